"""A region's state, fed with messages, and its decisions: pure, without MQTT, Ray or a clock of its own."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np

from citybrain.messages import (
    IntersectionConfig,
    Interval,
    LaneMeasurement,
    LaneReading,
    Outflow,
    SignalReasons,
    SignalState,
)
from traffic.border import hear, told
from traffic.claims import Claim, Sight, enter
from traffic.driving import STANDING_MPS
from traffic.horizon import HORIZON_S, WIDTH, Demand, Shown, plan
from traffic.inflow import Exchange, arrived_by, exchange, note
from traffic.known import Known, with_turns
from traffic.lateness import Passed, catch_up, let_go
from traffic.network import PERMISSIVE, PROTECTED, RED, Bytes, Floats, Network, Site, build_network
from traffic.pace import StreetSeconds, wall_s
from traffic.reasons import binding_of, course_of, outlooks
from traffic.reckoning import Reckoning
from traffic.record import STEADY, Record, new_record, see, shown_at
from traffic.replan import CHANGE, CLEARING, EXTEND, MINIMUM_GREEN, REASONS, arrivals, demand_of, replan
from traffic.rights import NO_CLAIMS, Claims
from traffic.turns import SHOWN, Seen, Turns
from traffic.watch import watch
from traffic.weights import DEFAULT_WEIGHTS, Weights

STALE_S = 2.0
"""Field seconds after which a measurement or a clock difference is too old to plan on."""
AT_LINE_M = 9.0
"""A vehicle within this distance of the stop line is its lane's head."""
STUCK_S = 8.0
"""A head that stands so long under protected green of all its movements has a full exit before it."""
SET_ASIDE_S = 30.0
CLAIM_ASIDE_S = 12.0
WISHES = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """The phase wanted now at one intersection, why, and the expected cost in vehicle-seconds."""

    intersection: str
    phase: int
    reason: str
    cost: float


class _Memory:
    """What is remembered of one intersection between measurements, by its own lanes and movements.

    Times by lane, `rate` and `held` are its part of what is known of the region.
    """

    def __init__(self, net: Network, site: Site, record: Record, shared: Exchange, weights: Weights) -> None:
        lanes = slice(net.lane_ptr[site.index], net.lane_ptr[site.index + 1])
        movements, count = len(site.config.movements), len(site.config.lanes)
        self.reckoning = Reckoning(net, site, record, weights)
        self.wishes: deque[tuple[float, int]] = deque(maxlen=WISHES)
        """What was decided of late, and when on the field's clock."""
        self.state: SignalState | None = None
        self.measurement: LaneMeasurement | None = None
        self.clock_s = -math.inf
        self.codes: Bytes = np.zeros(movements, np.uint8)
        self.green_s: Floats = np.zeros(movements)
        self.lane_green_s, self.red_s = record.green_s[lanes], record.red_s[lanes]
        self.full_green: Bytes = np.zeros(count, np.uint8)
        self.since_crossing_s = record.since_crossing_s[lanes]
        self.rate, self.held = shared.rate[lanes], shared.held[lanes]
        self.stuck_s: Floats = np.zeros(count)
        self.aside_s = record.aside_s[lanes]
        self.standing: Bytes = np.zeros(count, np.uint8)
        self.crossed: Floats = np.zeros(count)
        self.wait_s = record.wait_s[lanes]
        self.claims: Sequence[Claim] = ()
        self.turns: Known = {}
        self.stood_s = 0.0
        """For how long every vehicle with priority has stood."""


class Region:
    """Intersections planned together.

    Feed `on_state` and `on_measurement` as messages come; ask `decide` after a measurement. A changed
    configuration means a new Region, which learns anew. `speed` is field seconds per second of the messages'
    wall clock. `neighbours` are planned by other regions; what these say of them goes to `on_outflow`.
    """

    def __init__(
        self,
        configs: Sequence[IntersectionConfig],
        weights: Weights = DEFAULT_WEIGHTS,
        horizon_s: int = HORIZON_S,
        width: int = WIDTH,
        *,
        speed: float = 1.0,
        neighbours: Sequence[IntersectionConfig] = (),
    ) -> None:
        self.net, sites = build_network([*configs, *neighbours])
        self.sites = {config.intersection: sites[config.intersection] for config in configs}
        self.beyond = {config.intersection: sites[config.intersection] for config in neighbours}
        self.turns = Turns(self.net, sites)
        self._speed, self._seconds = speed, StreetSeconds(speed)
        self.shared = exchange(self.net, horizon_s)
        self._weights = weights
        self._horizon = horizon_s
        self._width = width
        self._record = new_record(self.net, horizon_s)
        self._memory = {
            site.id: _Memory(self.net, site, self._record, self.shared, weights)
            for site in self.sites.values()
        }

    def on_state(self, state: SignalState) -> None:
        """What a signal shows; one of another configuration (wrong length or phase) is ignored."""
        site = self.sites.get(state.intersection)
        if site is None or len(state.indications) != len(site.config.movements):
            return
        if max(state.phase, state.next_phase) < len(site.config.phases):
            self._memory[site.id].state = state
            self._write_state(site, state)

    def _write_state(self, site: Site, state: SignalState) -> None:
        i, record = site.index, self._record
        record.phase[i], record.target[i], record.steps[i] = state.phase, state.next_phase, STEADY
        record.elapsed_s[i], record.state_s[i] = state.elapsed_s, state.clock_s
        is_green = state.interval is Interval.GREEN and state.phase == state.next_phase
        if not is_green and state.interval is not Interval.FLASH:
            change = site.rules.change(site.rules.phases[state.phase], state.next_phase)
            record.steps[i] = change.steps_from(state.interval)

    def on_measurement(self, measurement: LaneMeasurement) -> bool:
        """What the lanes of an intersection hold; False for an unknown one or one that is out of order."""
        site = self.sites.get(measurement.intersection)
        if site is None:
            return False
        memory = self._memory[site.id]
        elapsed = measurement.clock_s - memory.clock_s
        if memory.measurement is not None and elapsed <= 0 and elapsed > -STALE_S:
            return False
        memory.measurement, memory.clock_s = measurement, measurement.clock_s
        self._write_measurement(site, measurement)
        self._remember(site, memory, measurement, min(max(elapsed, 0.0), 5.0))
        return True

    def _write_measurement(self, site: Site, measurement: LaneMeasurement) -> None:
        self._record.clock_s[site.index] = measurement.clock_s
        self._record.second[site.index] = self._seconds.of(measurement.at)
        seen = [
            (lane, vehicle.distance_m, vehicle.speed_mps)
            for reading in measurement.lanes
            if (lane := site.lane_index.get(reading.lane)) is not None
            for vehicle in reading.observed
        ]
        lanes, distances, speeds = zip(*seen, strict=True) if seen else ((), (), ())
        see(
            self.net, site.index, self._record,
            np.array(lanes, np.int32), np.array(distances, np.float64), np.array(speeds, np.float64),
        )  # fmt: skip

    def claim(self, intersection: str, claims: Sequence[Claim]) -> None:
        """The vehicles with priority before this intersection, for the decisions from now on."""
        self._memory[intersection].claims = claims

    def on_turns(self, intersection: str, turns: Known) -> None:
        """The next movement of each vehicle in view, for the decisions from now on; no street tells it."""
        self._memory[intersection].turns = turns

    def on_outflow(self, outflow: Outflow, now: datetime) -> None:
        """What another region says of a neighbour; of any other, or older than `STALE_S`, it is ignored."""
        site = self.beyond.get(outflow.intersection)
        late_s = abs((now - outflow.at).total_seconds())
        if site is not None and late_s <= wall_s(STALE_S, self._speed):
            hear(self.net, site, self.shared, self._seconds.of(outflow.at), outflow)

    def outflow(self, intersection: str, device: str) -> Outflow | None:
        """What other regions should hear of an intersection of ours; None before its first measurement."""
        site, measurement = self.sites[intersection], self._memory[intersection].measurement
        if measurement is None:
            return None
        return told(
            self.net, site, self.shared, self._seconds.of(measurement.at), at=measurement.at, device=device
        )

    def reasons(
        self, decision: Decision, *, is_overruled: bool, device: str, is_ordered: bool = False
    ) -> SignalReasons | None:
        """Why this was decided and what is to come; None before the first measurement.

        `is_ordered`: a person's order stands in the place of the plan, so that nothing is known of later.
        """
        site, memory = self.sites[decision.intersection], self._memory[decision.intersection]
        if memory.measurement is None:
            return None
        binding = binding_of(
            decision.reason,
            has_priority=bool(memory.claims),
            is_overruled=is_overruled,
            is_ordered=is_ordered,
        )
        queued = {reading.lane: float(reading.queued) for reading in memory.measurement.lanes}
        first = int(self.net.lane_ptr[site.index])
        reckoned = {
            lane: float(self._record.queue[k])
            for lane, k in site.lane_index.items()
            if memory.reckoning.blind[k - first]
        }
        plan = course_of(decision.phase, self._record, self.shared, site.index)
        lanes = outlooks(self.net, site, self._record, self.shared, queued | reckoned)
        if is_ordered:
            plan = plan[:1]
            lanes = [msgspec.structs.replace(lane, clears_s=None) for lane in lanes]
        return SignalReasons(
            at=memory.measurement.at,
            device=device,
            intersection=site.id,
            phase=decision.phase,
            binding=binding,
            detail=decision.reason,
            plan=plan,
            lanes=lanes,
        )

    def decide(self, intersection: str, now: datetime) -> Decision | None:
        """The phase to show at `now`; None without a state, or with a measurement older than `STALE_S`."""
        return self.decide_all([intersection], now)[0]

    def decide_all(self, intersections: Sequence[str], now: datetime) -> list[Decision | None]:
        """The same for many at once, each planned after those before it."""
        found: dict[int, Decision] = {}
        plain: list[int] = []
        for n, id_ in enumerate(intersections):
            memory = self._memory[id_]
            late_s = self._late_s(memory, now)
            if late_s is None:
                continue
            if late_s == 0 and not memory.claims and not memory.turns:
                plain.append(n)
                continue
            self._replan(intersections, plain, found)
            found[n], plain = self._decide(self.sites[id_], memory, late_s), []
        self._replan(intersections, plain, found)
        return [found.get(n) for n in range(len(intersections))]

    def _late_s(self, memory: _Memory, now: datetime) -> int | None:
        """Street seconds since the latest measurement; None where nothing can be decided on it."""
        state, measurement = memory.state, memory.measurement
        if state is None or measurement is None or measurement.quality <= 0:
            return None
        late_s = (now - measurement.at).total_seconds()
        return None if abs(late_s) > wall_s(STALE_S, self._speed) else round(late_s * self._speed)

    def _replan(self, intersections: Sequence[str], plain: list[int], found: dict[int, Decision]) -> None:
        """Decide those whose numbers are in `plain`: measured now, and nobody there has priority."""
        if not plain:
            return
        names = [intersections[n] for n in plain]
        reason, cost = np.empty(len(plain), np.uint8), np.empty(len(plain))
        phase = replan(
            self.net, self._record, self.shared, self.turns.share, self.turns.head,
            np.array([self.sites[name].index for name in names], np.int32), NO_CLAIMS, self._weights,
            self._horizon, self._width, reason, cost,
        )  # fmt: skip
        rows = zip(plain, names, phase.tolist(), reason.tolist(), cost.tolist(), strict=True)
        for n, name, wish, why, price in rows:
            if why in (EXTEND, CHANGE):
                memory = self._memory[name]
                memory.wishes.append((memory.clock_s, wish))
            found[n] = Decision(name, wish, REASONS[why], price)

    def _decide(self, site: Site, memory: _Memory, late_s: int) -> Decision:
        """The same for one of which more is known, or something later than its measurement."""
        shown, passed = self._caught_up(site, memory, late_s)
        minimum = self.net.min_green[self.net.phase_ptr[site.index] + shown.phase]
        if shown.left_s > 0 or shown.green_s < minimum:
            return Decision(site.id, shown.target, REASONS[CLEARING if shown.left_s else MINIMUM_GREEN], 0.0)
        phase, cost, leaving, course = plan(
            self.net, site.index, self._demand(site, memory, passed), shown, self._weights, self._horizon,
            self._width,
        )  # fmt: skip
        moves = slice(self.net.movement_ptr[site.index], self.net.movement_ptr[site.index + 1])
        self.shared.sending[moves], self._record.course[site.index] = leaving, course
        self.shared.planned_s[site.index] = int(self._record.second[site.index]) + late_s
        memory.wishes.append((memory.clock_s + late_s, int(phase)))
        reason = REASONS[EXTEND if phase == shown.phase else CHANGE]
        return Decision(site.id, int(phase), reason, float(cost))

    def question(self, intersection: str) -> tuple[Demand, Shown] | None:
        """What a plan as of the latest measurement is made on; None before the first, or without a state."""
        memory = self._memory[intersection]
        shown = self.shown(intersection)
        if shown is None or memory.measurement is None:
            return None
        return self._demand(self.sites[intersection], memory, ()), shown

    def shown(self, intersection: str) -> Shown | None:
        """What the signal shows at the latest measurement, from what it last said; None where nothing."""
        memory = self._memory[intersection]
        if memory.state is None:
            return None
        return Shown(*shown_at(self._record, self.sites[intersection].index, memory.clock_s))

    def _caught_up(self, site: Site, memory: _Memory, late_s: int) -> tuple[Shown, Sequence[Passed]]:
        """What the signal shows now, `late_s` after the measurement, if it did as it was told since."""
        state_s = float(self._record.state_s[site.index])
        if late_s == 0:
            return Shown(*shown_at(self._record, site.index, memory.clock_s)), ()
        shown = Shown(*shown_at(self._record, site.index, state_s))
        seconds = max(late_s, round(memory.clock_s - state_s) + late_s)
        wishes = [shown.target] * seconds
        for clock_s, phase in memory.wishes:
            second = round(clock_s - state_s)
            if 0 <= second < seconds:
                wishes[second:] = [phase] * (seconds - second)
        shown, passed = catch_up(self.net, site.index, shown, wishes)
        return shown, passed[-late_s:]

    def _remember(self, site: Site, memory: _Memory, measurement: LaneMeasurement, elapsed: float) -> None:
        self._watch_signal(site, memory, elapsed)
        stands = bool(memory.claims) and all(claim.speed_mps < STANDING_MPS for claim in memory.claims)
        memory.stood_s = memory.stood_s + elapsed if stands else 0.0
        memory.crossed[:] = 0
        memory.standing[:] = 0
        first = int(self.net.lane_ptr[site.index])
        unseen = set(range(len(memory.held)))
        for reading in measurement.lanes:
            if reading.lane in site.lane_index:
                k = site.lane_index[reading.lane] - first
                self._watch_lane(memory, k, reading, elapsed)
                unseen.discard(k)
        for k in unseen:
            self._reckon(site, memory, k, self._seconds.of(measurement.at), elapsed)
        crossed = memory.crossed + memory.reckoning.gone
        note(
            self.net, site.index, self._seconds.of(measurement.at), memory.codes, crossed,
            self.turns.share, self.shared,
        )  # fmt: skip
        seen = Seen(memory.codes, memory.green_s, memory.crossed, memory.standing)
        self.turns.observe(self.net, site.index, seen)

    def _watch_signal(self, site: Site, memory: _Memory, elapsed: float) -> None:
        if memory.state is not None:
            codes = np.array([SHOWN.get(shown, RED) for shown in memory.state.indications], np.uint8)
            memory.green_s = np.where((codes == memory.codes) & (codes != RED), memory.green_s + elapsed, 0.0)
            memory.codes = codes
        watch(
            self.net.lane_movement_ptr, self.net.lane_movement, self.net.lane_ptr[site.index],
            self.net.movement_ptr[site.index], memory.codes, memory.green_s, elapsed,
            memory.full_green, memory.lane_green_s, memory.red_s,
        )  # fmt: skip

    def _reckon(self, site: Site, memory: _Memory, k: int, second: int, elapsed: float) -> None:
        """Nobody looks at lane k."""
        green_s = float(memory.lane_green_s[k])
        code = RED if not green_s else PROTECTED if memory.full_green[k] else PERMISSIVE
        sent = arrived_by(self.net, int(self.net.lane_ptr[site.index]) + k, second, self.shared)
        reckoning = memory.reckoning
        reckoning.go_on(k, sent, code, green_s, elapsed)
        memory.held[k] = reckoning.queue[k]
        memory.wait_s[k] = memory.red_s[k] if reckoning.queue[k] >= 1.0 else 0.0

    def _watch_lane(self, memory: _Memory, k: int, reading: LaneReading, elapsed: float) -> None:
        memory.crossed[k] = reading.crossed
        memory.held[k] = reading.vehicles
        memory.reckoning.see(k, reading.crossed, reading.queued, elapsed)
        memory.since_crossing_s[k] = 0.0 if reading.crossed else memory.since_crossing_s[k] + elapsed
        if elapsed > 0:
            share = min(1.0, elapsed / 300.0)
            memory.rate[k] += share * (reading.crossed / elapsed - memory.rate[k])
        head = min(reading.observed, key=lambda vehicle: vehicle.distance_m, default=None)
        stands = head is not None and head.speed_mps < STANDING_MPS and head.distance_m < AT_LINE_M
        memory.standing[k] = stands and not reading.crossed
        memory.wait_s[k] = memory.wait_s[k] + elapsed if memory.standing[k] else 0.0
        memory.aside_s[k] = max(0.0, memory.aside_s[k] - elapsed)
        memory.stuck_s[k] = (
            memory.stuck_s[k] + elapsed if memory.standing[k] and memory.full_green[k] else 0.0
        )
        if memory.stuck_s[k] >= STUCK_S:
            memory.stuck_s[k], memory.aside_s[k] = 0.0, SET_ASIDE_S

    def _demand(self, site: Site, memory: _Memory, passed: Sequence[Passed]) -> Demand:
        assert memory.measurement is not None
        arrived = arrivals(self.net, site.index, self._record, len(passed))
        readings = {reading.lane: reading for reading in memory.measurement.lanes}
        claims = enter(Sight(self.net, site, readings), memory.claims, arrived)
        blocked = self._blocked(memory, claims)
        demand = Demand(*demand_of(
            self.net, site.index, self._record, self.shared, self.turns.share, self.turns.head, arrived,
            blocked, claims, self._weights,
        ))  # fmt: skip
        if passed:
            arrived, credit = let_go(
                self.net, site.index, passed, demand.arrived, demand.credit, demand.share, self._weights
            )
            demand = demand._replace(arrived=arrived, credit=credit)
        return with_turns(self.net, site, memory.turns, demand) if memory.turns else demand

    def _blocked(self, memory: _Memory, claims: Claims) -> Bytes:
        """Lanes set aside by now; claims on them weigh nothing, and are tried again sooner than others."""
        for n, lane in enumerate(claims.lane):
            if _is_stuck(memory, claims, n) and memory.aside_s[lane] <= 0:
                memory.aside_s[lane] = SET_ASIDE_S
        blocked = (memory.aside_s > 0).astype(np.uint8)
        blocked[claims.lane] = memory.aside_s[claims.lane] > SET_ASIDE_S - CLAIM_ASIDE_S
        claims.weight[blocked[claims.lane] == 1] = 0.0
        return blocked


def _is_stuck(memory: _Memory, claims: Claims, n: int) -> bool:
    """Whether a vehicle with priority stands though nothing is seen before it and it has its green."""
    lane, movement = claims.lane[n], claims.movement[n]
    since_s = min(memory.green_s[movement], memory.since_crossing_s[lane], memory.stood_s)
    is_green = memory.codes[movement] == PROTECTED and since_s >= STUCK_S
    return bool(claims.place[n] == 1 and is_green)
