"""Signals and the streets between them as arrays for fixed-time design: who may go when, who feeds whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig, Interval
from citybrain.rules import rules_of
from traffic.lane_flows import lane_shares
from traffic.network import CODES, RED, Bytes, Floats, Ints, rivals

YELLOW = 4
"""YELLOW: who is too near to stop still goes, and who waited for a gap inside the intersection clears it."""
_CODES = CODES | {"y": YELLOW}
SMOOTHING = 0.25
"""Robertson's alpha; 0.35 where drivers differ as on a street, less where speeds differ by 10 % only."""
BETA = 0.8
"""Share of the mean travel time after which a platoon's head arrives (Robertson 1969, RRL report LR 253)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Vehicles of one turn at an intersection: its movements (by index, one for each pair of lanes) and flow.

    `headway_s` between vehicles that leave a queue under protected green.
    """

    movements: tuple[int, ...]
    flow_vph: float
    headway_s: float = 1.95


@dataclass(frozen=True, slots=True)
class Link:
    """Who leaves by one turn and comes to another signal's turn: flow, and travel time between stop lines."""

    source: tuple[str, int]
    """Intersection, and the turn's place in its list."""
    target: tuple[str, int]
    flow_vph: float
    travel_s: float


@dataclass(frozen=True, slots=True)
class Demand:
    """What a plan has to serve in one period: turns by intersection, links, storage of each approach lane."""

    turns: Mapping[str, Sequence[Turn]]
    links: Sequence[Link]
    storage_m: Mapping[str, float] = field(default_factory=dict)
    """By lane, from the stop line back to the next signal; lanes not named are long."""
    spacing_m: float = 7.0
    """Length of road that a queued vehicle takes."""
    period_s: float = 3600.0


class Streets(NamedTuple):
    """Flat arrays; intersection i owns phases `phase_ptr[i]:phase_ptr[i + 1]`, movements and lanes alike.

    `green_code[code_ptr[i] + p * movements + m]` is what phase p shows to movement m; `yellow_s` and `red_s`
    lie at `pair_ptr[i] + a * phases + b`, what the change shows at
    `clear_ptr[i] + (a * phases + b) * movements + m`. Flows in vehicles a second, headways in s. A hop is
    what one turn sends down one approach; it belongs to the intersection it leaves (`hop_ptr`), gathers
    `hop_movement` and spreads over `hop_lane` with `hop_share`.
    """

    phase_ptr: Ints
    movement_ptr: Ints
    lane_ptr: Ints
    code_ptr: Ints
    green_code: Bytes
    pair_ptr: Ints
    yellow_s: Ints
    red_s: Ints
    clear_ptr: Ints
    yellow_code: Bytes
    red_code: Bytes
    min_green: Ints
    lane_movement_ptr: Ints
    lane_movement: Ints
    movement_lane: Ints
    yield_ptr: Ints
    yield_movement: Ints
    share: Floats
    headway: Floats
    flow: Floats
    entering: Floats
    storage: Floats
    filtering: Floats
    hop_ptr: Ints
    hop_movement_ptr: Ints
    hop_movement: Ints
    hop_delay_s: Ints
    hop_smooth: Floats
    hop_lane_ptr: Ints
    hop_lane: Ints
    hop_share: Floats
    feed_ptr: Ints
    feed_hop: Ints
    feed_share: Floats
    reach_ptr: Ints
    reach_lane: Ints


def build_streets(configs: Sequence[IntersectionConfig], demand: Demand) -> Streets:
    """The arrays for these intersections, in this order.

    Raises:
        ConfigError: the demand names an intersection or movement that is not there.
    """
    builder = _Builder(configs, demand)
    for config in configs:
        builder.add(config)
    builder.add_links()
    return builder.streets()


_INTEGERS = {
    "phase_ptr", "movement_ptr", "lane_ptr", "code_ptr", "pair_ptr", "yellow_s", "red_s", "clear_ptr",
    "min_green", "lane_movement_ptr", "lane_movement", "movement_lane", "yield_ptr", "yield_movement",
    "hop_ptr", "hop_movement_ptr", "hop_movement", "hop_delay_s", "hop_lane_ptr", "hop_lane", "feed_ptr",
    "feed_hop", "reach_ptr", "reach_lane",
}  # fmt: skip
_BYTES = {"green_code", "yellow_code", "red_code"}
_POINTERS = (
    "phase_ptr", "movement_ptr", "lane_ptr", "lane_movement_ptr", "yield_ptr", "hop_ptr", "hop_movement_ptr",
    "hop_lane_ptr", "feed_ptr", "reach_ptr",
)  # fmt: skip


class _Builder:
    def __init__(self, configs: Sequence[IntersectionConfig], demand: Demand) -> None:
        known = {config.intersection for config in configs}
        if missing := set(demand.turns) - known:
            raise ConfigError(f"demand names intersection {min(missing)}, which is not in the network")
        self._configs = configs
        self._demand = demand
        self._lists: dict[str, list[float]] = {name: [] for name in Streets._fields}
        for name in _POINTERS:
            self._lists[name].append(0)
        self._first: dict[str, int] = {}
        self._lanes: dict[str, dict[str, int]] = {}
        self._shares: dict[str, list[dict[int, float]]] = {}

    def add(self, config: IntersectionConfig) -> None:
        id_, lists = config.intersection, self._lists
        self._first[id_] = int(lists["movement_ptr"][-1])
        first_lane = int(lists["lane_ptr"][-1])
        self._lanes[id_] = {lane.lane: first_lane + k for k, lane in enumerate(config.lanes)}
        self._add_flows(config)
        self._add_movements(config)
        self._add_phases(config)

    def streets(self) -> Streets:
        def kind(name: str) -> type[np.generic]:
            return np.int32 if name in _INTEGERS else np.uint8 if name in _BYTES else np.float64

        return Streets(**{name: np.asarray(values, kind(name)) for name, values in self._lists.items()})

    def _add_flows(self, config: IntersectionConfig) -> None:
        """Spread each turn over its lanes, and say what each lane's vehicles do."""
        lists, count = self._lists, len(config.movements)
        turns = list(self._demand.turns.get(config.intersection, ()))
        for turn in turns:
            if any(not 0 <= movement < count for movement in turn.movements):
                raise ConfigError(f"demand at {config.intersection} names a movement beyond {count - 1}")
        lanes = [movement.from_lane for movement in config.movements]
        shares = lane_shares(lanes, turns)
        self._shares[config.intersection] = shares
        flow, headway = np.zeros(count), np.full(count, 1.95)
        for turn, split in zip(turns, shares, strict=True):
            for movement, share in split.items():
                flow[movement] += turn.flow_vph / 3600.0 * share
                headway[movement] = turn.headway_s
        for lane in config.lanes:
            own = [m for m, from_lane in enumerate(lanes) if from_lane == lane.lane]
            total = float(sum(flow[m] for m in own))
            lists["flow"].append(total)
            lists["entering"].append(total)
            lists["storage"].append(self._demand.storage_m.get(lane.lane, 1e6) / self._demand.spacing_m)
            lists["filtering"].append(1.0)
            lists["lane_movement"] += [self._first[config.intersection] + m for m in own]
            lists["lane_movement_ptr"].append(len(lists["lane_movement"]))
        totals = {lane: sum(flow[m] for m, name in enumerate(lanes) if name == lane) for lane in set(lanes)}
        sizes = {lane: lanes.count(lane) for lane in totals}
        lists["share"] += [
            flow[m] / totals[lane] if totals[lane] > 0 else 1.0 / sizes[lane] for m, lane in enumerate(lanes)
        ]
        lists["headway"] += list(headway)
        lists["lane_ptr"].append(lists["lane_ptr"][-1] + len(config.lanes))

    def _add_movements(self, config: IntersectionConfig) -> None:
        lists, lanes = self._lists, self._lanes[config.intersection]
        first = self._first[config.intersection]
        for movement in config.movements:
            own = lanes.get(movement.from_lane, -1)
            lists["movement_lane"].append(own)
            lists["yield_movement"] += [first + foe for foe in rivals(config, movement)]
            lists["yield_ptr"].append(len(lists["yield_movement"]))
        lists["movement_ptr"].append(first + len(config.movements))

    def _add_phases(self, config: IntersectionConfig) -> None:
        lists, rules = self._lists, rules_of(config)
        lists["code_ptr"].append(len(lists["green_code"]))
        lists["pair_ptr"].append(len(lists["yellow_s"]))
        lists["clear_ptr"].append(len(lists["yellow_code"]))
        for phase in config.phases:
            lists["green_code"] += _coded(phase.indications)
            lists["min_green"].append(max(1, int(np.ceil(phase.min_green_s))))
        places = range(len(config.phases))
        for a, b in ((a, b) for a in places for b in places):
            change = rules.change(rules.phases[a], b)
            lists["yellow_s"].append(int(np.ceil(change.walk_s)) + int(np.ceil(change.yellow_s)))
            lists["red_s"].append(int(np.ceil(change.all_red_s)))
            lists["yellow_code"] += _coded(rules.shown(change, Interval.YELLOW, 0.0))
            lists["red_code"] += _coded(rules.shown(change, Interval.ALL_RED, 0.0))
        lists["phase_ptr"].append(lists["phase_ptr"][-1] + len(config.phases))

    def add_links(self) -> None:
        """Gather links into hops, and take what they bring from what enters from outside."""
        hops: dict[str, list[_Hop]] = {}
        for hop in self._hops():
            hops.setdefault(hop.source, []).append(hop)
        lists = self._lists
        feeds: dict[int, list[tuple[int, float]]] = {}
        number = 0
        for config in self._configs:
            reached: dict[int, None] = {}
            for hop in hops.get(config.intersection, ()):
                turn = self._demand.turns[hop.source][hop.turn]
                first = self._first[hop.source]
                lists["hop_movement"] += [first + m for m in turn.movements]
                lists["hop_movement_ptr"].append(len(lists["hop_movement"]))
                head_s = max(1, round(BETA * hop.travel_s))
                lists["hop_delay_s"].append(head_s)
                lists["hop_smooth"].append(1.0 / (1.0 + SMOOTHING * BETA * hop.travel_s))
                for lane, flow in hop.lanes.items():
                    share = flow / max(turn.flow_vph, 1e-9)
                    lists["hop_lane"].append(lane)
                    lists["hop_share"].append(share)
                    feeds.setdefault(lane, []).append((number, share))
                    lists["entering"][lane] -= flow / 3600.0
                    reached[lane] = None
                lists["hop_lane_ptr"].append(len(lists["hop_lane"]))
                number += 1
            lists["hop_ptr"].append(number)
            own = set(self._lanes[config.intersection].values())
            lists["reach_lane"] += [lane for lane in reached if lane not in own]
            lists["reach_ptr"].append(len(lists["reach_lane"]))
        for lane in range(len(lists["flow"])):
            entering = max(0.0, lists["entering"][lane])
            lists["entering"][lane] = entering
            # Behind a signal arrivals are more even than chance (HCM 6th ed., upstream filtering).
            lists["filtering"][lane] = 0.6 + 0.4 * entering / max(lists["flow"][lane], 1e-9)
            lists["filtering"][lane] = min(1.0, lists["filtering"][lane])
            for fed_by, share in feeds.get(lane, ()):
                lists["feed_hop"].append(fed_by)
                lists["feed_share"].append(share)
            lists["feed_ptr"].append(len(lists["feed_hop"]))

    def _hops(self) -> list["_Hop"]:
        configs = {config.intersection: config for config in self._configs}
        hops: dict[tuple[str, int, str, int], _Hop] = {}
        for link in self._demand.links:
            (source, turn), (target, to_turn) = link.source, link.target
            if source not in configs or target not in configs:
                raise ConfigError(f"demand links {source} to {target}, which are not both in the network")
            key = (source, turn, target, round(link.travel_s))
            hop = hops.setdefault(key, _Hop(source, turn, link.travel_s, {}))
            for movement, share in self._shares[target][to_turn].items():
                lane = self._lanes[target].get(configs[target].movements[movement].from_lane)
                if lane is not None:
                    hop.lanes[lane] = hop.lanes.get(lane, 0.0) + link.flow_vph * share
        return list(hops.values())


@dataclass(frozen=True, slots=True)
class _Hop:
    """One turn's vehicles to one approach: veh/h by lane there."""

    source: str
    turn: int
    travel_s: float
    lanes: dict[int, float]


def _coded(indications: str) -> list[int]:
    return [_CODES.get(shown, RED) for shown in indications]
