"""Intersections as the optimiser sees them: one structure of arrays for a whole region."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citybrain.conflicts import GREEN
from citybrain.messages import ApproachLane, IntersectionConfig, Movement
from citybrain.rules import Rules, rules_of
from traffic.driving import VEHICLE_M

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Indices = NDArray[np.uint32]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

RED, PROTECTED, PERMISSIVE, ON_RED = 0, 1, 2, 3
"""What an indication lets a movement do; ON_RED: after a stop, yielding (indication `s`)."""
VIEW_M = 200.0
"""How far from the stop line vehicles are seen."""
INSIDE_MPS = 8.0
"""Speed inside an intersection, of those that start and those that drive through."""
START_S = 1.5
"""What starting costs on the way to the next stop line."""
GAP_M = 2.5
"""Of `VEHICLE_M`, the gap: the last vehicle on a lane needs none behind it."""
WAVE_MPS = 5.0
"""Speed at which the front of a dissolving queue travels upstream."""
_REAL = ("lane_speed", "feed_s", "feed_seen_s", "exit_storage", "exit_wave_s")
FORBIDDEN = -1
"""In place of the length of a change that the rules do not allow."""
CODES = {"G": PROTECTED, "g": PERMISSIVE, "s": ON_RED}
"""By indication; any other is RED."""


class Network(NamedTuple):
    """All intersections of a region, flat; intersection i owns lanes `lane_ptr[i]:lane_ptr[i + 1]` and so on.

    Lanes and movements are numbered through the region, phases too. Times in whole seconds (steps), speeds
    in m/s. `indication[indication_ptr[p] + m]` is what phase p shows to the m-th movement of its own
    intersection. `change_s[pair_ptr[i] + a * phases + b]` is the change from the a-th to the b-th phase,
    FORBIDDEN where b may not come after a; in its first `walk_s` seconds only crossings clear and all lanes
    go on, and `kept[kept_ptr[i] + (a * phases + b) * lanes + k]` says that lane k goes on all through it.

    `movement_site[m]` and `lane_site[k]` are the intersections of a movement and of a lane.

    Neighbours: lane k is fed by `feed_movement[feed_ptr[k]:feed_ptr[k + 1]]`, whose vehicles come to its
    stop line `feed_s` after they crossed upstream and into its view `feed_seen_s` after. Movement m leaves
    by exit `movement_exit[m]` of its own intersection (-1: to where no signal follows); exit e (numbered
    through the region, from `exit_ptr[i]` on) leads to the lanes `exit_lane` from `exit_lane_ptr[e]` to
    `exit_lane_ptr[e + 1]`, holds `exit_storage[e]` vehicles, and a gap at their stop lines has come back to
    its beginning in `exit_wave_s[e]`.
    """

    lane_ptr: Ints
    movement_ptr: Ints
    phase_ptr: Ints
    lane_speed: Floats
    lane_movement_ptr: Ints
    lane_movement: Ints
    movement_lane: Ints
    yield_ptr: Ints
    yield_movement: Ints
    indication_ptr: Ints
    indication: Bytes
    min_green: Ints
    max_green: Ints
    pair_ptr: Ints
    change_s: Ints
    walk_s: Ints
    kept_ptr: Ints
    kept: Bytes
    feed_ptr: Ints
    feed_movement: Ints
    feed_s: Floats
    feed_seen_s: Floats
    exit_ptr: Ints
    movement_site: Ints
    lane_site: Ints
    movement_exit: Ints
    exit_lane_ptr: Ints
    exit_lane: Ints
    exit_storage: Floats
    exit_wave_s: Floats


@dataclass(frozen=True, slots=True)
class Site:
    """Names and rules of one intersection beside its place in the arrays."""

    id: str
    index: int
    config: IntersectionConfig
    rules: Rules
    lane_index: dict[str, int]
    """Number in the region by lane id."""


def build_network(configs: Sequence[IntersectionConfig]) -> tuple[Network, dict[str, Site]]:
    """The arrays for these intersections, in this order, and what is known of each by its id."""
    builder = _Builder()
    for config in configs:
        builder.add(config)
    return builder.network(), builder.sites


class _Builder:
    def __init__(self) -> None:
        self.sites: dict[str, Site] = {}
        self._lists: dict[str, list[float]] = {name: [] for name in Network._fields}
        for name in ("lane_ptr", "movement_ptr", "phase_ptr", "lane_movement_ptr", "yield_ptr"):
            self._lists[name].append(0)

    def add(self, config: IntersectionConfig) -> None:
        rules = rules_of(config)
        lanes = {lane.lane: self._last("lane_ptr") + k for k, lane in enumerate(config.lanes)}
        self._lists["lane_site"] += [len(self.sites)] * len(config.lanes)
        self._lists["movement_site"] += [len(self.sites)] * len(config.movements)
        self.sites[config.intersection] = Site(config.intersection, len(self.sites), config, rules, lanes)
        self._add_lanes(config, lanes)
        self._add_movements(config, lanes)
        self._add_phases(config, rules)
        self._add_changes(config, rules)

    def network(self) -> Network:
        self._join()
        kinds: dict[str, type] = dict.fromkeys(_REAL, np.float64) | dict.fromkeys(
            ("indication", "kept"), np.uint8
        )
        return Network(**{
            name: np.asarray(values, dtype=kinds.get(name, np.int32))
            for name, values in self._lists.items()
        })  # fmt: skip

    def _join(self) -> None:
        """Join the exits of each intersection to the approach lanes of the next."""
        lists = self._lists
        lists["feed_ptr"], lists["exit_lane_ptr"], lists["exit_ptr"] = [0], [0], [0]
        senders: dict[str, list[int]] = {}
        movements = [movement for site in self.sites.values() for movement in site.config.movements]
        for m, movement in enumerate(movements):
            senders.setdefault(movement.to_lane, []).append(m)
        fed: dict[str, dict[int, float]] = {}
        lane = 0
        for site in self.sites.values():
            for approach in site.config.lanes:
                self._join_lane(approach, senders, movements)
                for feeder in approach.feeders:
                    if feeder.lane in senders:
                        fed.setdefault(feeder.lane, {})[lane] = feeder.distance_m
                lane += 1
        for site in self.sites.values():
            self._join_exits(site.config, fed)

    def _join_lane(
        self, lane: ApproachLane, senders: dict[str, list[int]], movements: list[Movement]
    ) -> None:
        lists = self._lists
        for feeder in lane.feeders:
            for m in senders.get(feeder.lane, ()):
                inside_s = movements[m].length_m / INSIDE_MPS
                lists["feed_movement"].append(m)
                lists["feed_s"].append(
                    START_S + inside_s + feeder.distance_m / max(lane.speed_limit_mps, 1.0)
                )
                hidden_m = max(0.0, feeder.distance_m - VIEW_M)
                lists["feed_seen_s"].append(inside_s + hidden_m / max(lane.speed_limit_mps, 1.0))
        lists["feed_ptr"].append(len(lists["feed_movement"]))

    def _join_exits(self, config: IntersectionConfig, fed: dict[str, dict[int, float]]) -> None:
        lists = self._lists
        exits: dict[tuple[int, ...], int] = {}
        inside = {lane.lane for lane in config.lanes}
        for movement in config.movements:
            # A further stop line of the same intersection is no exit: its vehicles go on in the same phase.
            lanes = {} if movement.to_lane in inside else fed.get(movement.to_lane, {})
            key = tuple(lanes)
            if not lanes:
                lists["movement_exit"].append(-1)
                continue
            if key not in exits:
                exits[key] = len(exits)
                lists["exit_lane"] += key
                lists["exit_lane_ptr"].append(len(lists["exit_lane"]))
                lists["exit_storage"].append(sum(max(1, (d + GAP_M) // VEHICLE_M) for d in lanes.values()))
                lists["exit_wave_s"].append(max(lanes.values()) / WAVE_MPS)
            lists["movement_exit"].append(exits[key])
        lists["exit_ptr"].append(lists["exit_ptr"][-1] + len(exits))

    def _last(self, name: str) -> int:
        return int(self._lists[name][-1])

    def _add_lanes(self, config: IntersectionConfig, lanes: dict[str, int]) -> None:
        lists, first = self._lists, self._last("movement_ptr")
        for lane in config.lanes:
            lists["lane_speed"].append(max(lane.speed_limit_mps, 1.0))
            lists["lane_movement"] += [
                first + m for m, movement in enumerate(config.movements) if movement.from_lane == lane.lane
            ]
            lists["lane_movement_ptr"].append(len(lists["lane_movement"]))
        lists["lane_ptr"].append(self._last("lane_ptr") + len(lanes))

    def _add_movements(self, config: IntersectionConfig, lanes: dict[str, int]) -> None:
        lists, first = self._lists, self._last("movement_ptr")
        for movement in config.movements:
            lists["movement_lane"].append(lanes.get(movement.from_lane, -1))
            lists["yield_movement"] += [first + foe for foe in rivals(config, movement)]
            lists["yield_ptr"].append(len(lists["yield_movement"]))
        lists["movement_ptr"].append(first + len(config.movements))

    def _add_phases(self, config: IntersectionConfig, rules: Rules) -> None:
        lists = self._lists
        for phase in config.phases:
            lists["indication_ptr"].append(len(lists["indication"]))
            lists["indication"] += [CODES.get(shown, RED) for shown in phase.indications]
        lists["min_green"] += [max(1, math.ceil(seconds)) for seconds in rules.min_green_s]
        lists["max_green"] += [max(1, math.ceil(seconds)) for seconds in rules.max_green_s]
        lists["phase_ptr"].append(self._last("phase_ptr") + len(config.phases))

    def _add_changes(self, config: IntersectionConfig, rules: Rules) -> None:
        lists = self._lists
        lists["pair_ptr"].append(len(lists["change_s"]))
        lists["kept_ptr"].append(len(lists["kept"]))
        own = [
            [m for m, movement in enumerate(config.movements) if movement.from_lane == lane.lane]
            for lane in config.lanes
        ]
        for a in range(len(config.phases)):
            for b in range(len(config.phases)):
                change = rules.change(rules.phases[a], b)
                lists["change_s"].append(change.steps if a == b or b in rules.order[a] else FORBIDDEN)
                lists["walk_s"].append(math.ceil(change.walk_s))
                lists["kept"] += [_goes_on(rules.phases[a], change.clearing, lane) for lane in own]


def rivals(config: IntersectionConfig, movement: Movement) -> list[int]:
    """The movements that it yields to, from other approach lanes: a lane's own vehicles stand in line."""
    lanes = {lane.lane for lane in config.lanes} - {movement.from_lane}
    return [foe for foe in movement.yields_to if config.movements[foe].from_lane in lanes]


def _goes_on(now: str, losing: frozenset[int], lane: list[int]) -> int:
    """Whether every movement of the lane that is green in `now` goes on, and there is one."""
    green = [m for m in lane if now[m] in GREEN]
    return int(bool(green) and losing.isdisjoint(green))
