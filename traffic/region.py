"""A region's state, fed with messages, and its decisions: pure, without MQTT, Ray or a clock of its own."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from citybrain.messages import (
    IntersectionConfig,
    Interval,
    LaneMeasurement,
    LaneReading,
    Outflow,
    SignalState,
)
from traffic.border import hear, told
from traffic.claims import Claim, Sight, enter
from traffic.driving import STANDING_MPS, arrival_s
from traffic.horizon import HORIZON_S, WIDTH, Demand, Shown, plan
from traffic.inflow import add_inflow, arrived_by, exchange, find_room, note
from traffic.known import Known, with_turns
from traffic.lateness import Passed, catch_up, let_go
from traffic.model import GAP_S
from traffic.network import PERMISSIVE, PROTECTED, RED, Bytes, Floats, Site, build_network
from traffic.pace import StreetSeconds, wall_s
from traffic.reckoning import Reckoning
from traffic.rights import Claims
from traffic.turns import SHOWN, Seen, Turns
from traffic.watch import watch
from traffic.weights import DEFAULT_WEIGHTS, Weights

STALE_S = 2.0
"""Field seconds after which a measurement or a clock difference is too old to plan on."""
AT_LINE_M = 9.0
"""A vehicle within this distance of the stop line is its lane's head."""
START_S = 3.0
"""A head that still stands after so long has saved up no service."""
STUCK_S = 8.0
"""A head that stands so long under protected green of all its movements has a full exit before it."""
SET_ASIDE_S = 30.0
CLAIM_ASIDE_S = 12.0
LONG_WAIT_S = 90.0
"""A lane whose head has waited so long counts twice."""
WISHES = 8
MISSED_SHARE = 0.03
"""Share of vehicles that a camera is expected to miss; they wait unseen."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The phase wanted now at one intersection, why, and the expected cost in vehicle-seconds."""

    intersection: str
    phase: int
    reason: str
    cost: float


class _Memory:
    """What is remembered of one intersection between measurements, by its own lanes and movements.

    `rate` and `held` are its lanes' part of what neighbours share.
    """

    def __init__(self, movements: int, rate: Floats, held: Floats, reckoning: Reckoning) -> None:
        lanes = len(rate)
        self.reckoning = reckoning
        self.wishes: deque[tuple[float, int]] = deque(maxlen=WISHES)
        """What was decided of late, and when on the field's clock."""
        self.state: SignalState | None = None
        self.measurement: LaneMeasurement | None = None
        self.clock_s = -math.inf
        self.codes: Bytes = np.zeros(movements, np.uint8)
        self.green_s: Floats = np.zeros(movements)
        self.lane_green_s: Floats = np.zeros(lanes)
        self.full_green: Bytes = np.zeros(lanes, np.uint8)
        self.red_s: Floats = np.zeros(lanes)
        self.since_crossing_s: Floats = np.full(lanes, 60.0)
        self.rate, self.held = rate, held
        self.stuck_s: Floats = np.zeros(lanes)
        self.aside_s: Floats = np.zeros(lanes)
        self.standing: Bytes = np.zeros(lanes, np.uint8)
        self.crossed: Floats = np.zeros(lanes)
        self.wait_s: Floats = np.zeros(lanes)
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
        self._memory = {site.id: self._blank(site) for site in self.sites.values()}

    def _blank(self, site: Site) -> _Memory:
        lanes = slice(self.net.lane_ptr[site.index], self.net.lane_ptr[site.index + 1])
        rate, held = self.shared.rate[lanes], self.shared.held[lanes]
        return _Memory(len(site.config.movements), rate, held, Reckoning(self.net, site, self._weights))

    def on_state(self, state: SignalState) -> None:
        """What a signal shows; one of another configuration (wrong length or phase) is ignored."""
        site = self.sites.get(state.intersection)
        if site is None or len(state.indications) != len(site.config.movements):
            return
        if max(state.phase, state.next_phase) < len(site.config.phases):
            self._memory[site.id].state = state

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
        self._remember(site, memory, measurement, min(max(elapsed, 0.0), 5.0))
        return True

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

    def decide(self, intersection: str, now: datetime) -> Decision | None:
        """The phase to show at `now`; None without a state, or with a measurement older than `STALE_S`."""
        site = self.sites[intersection]
        memory = self._memory[intersection]
        state, measurement = memory.state, memory.measurement
        if state is None or measurement is None or measurement.quality <= 0:
            return None
        if abs((now - measurement.at).total_seconds()) > wall_s(STALE_S, self._speed):
            return None
        late_s = round((now - measurement.at).total_seconds() * self._speed)
        shown, passed = self._caught_up(site, memory, state, late_s)
        if (
            shown.left_s > 0
            or shown.green_s < self.net.min_green[self.net.phase_ptr[site.index] + shown.phase]
        ):
            return Decision(intersection, shown.target, "clearing" if shown.left_s else "minimum green", 0.0)
        phase, cost, leaving = plan(
            self.net,
            site.index,
            self._demand(site, memory, measurement, passed),
            shown,
            self._weights,
            self._horizon,
            self._width,
        )
        moves = slice(self.net.movement_ptr[site.index], self.net.movement_ptr[site.index + 1])
        self.shared.sending[moves] = leaving
        self.shared.planned_s[site.index] = self._seconds.of(measurement.at) + late_s
        memory.wishes.append((memory.clock_s + late_s, int(phase)))
        reason = "extend" if phase == shown.phase else "change"
        return Decision(intersection, int(phase), reason, float(cost))

    def shown(self, intersection: str) -> Shown | None:
        """What the signal shows at the latest measurement, from what it last said; None where nothing."""
        memory = self._memory[intersection]
        if memory.state is None:
            return None
        return self._shown(self.sites[intersection], memory.state, memory.clock_s)

    def _caught_up(
        self, site: Site, memory: _Memory, state: SignalState, late_s: int
    ) -> tuple[Shown, Sequence[Passed]]:
        """What the signal shows now, `late_s` after the measurement, if it did as it was told since."""
        if late_s == 0:
            return self._shown(site, state, memory.clock_s), ()
        shown = self._shown(site, state, state.clock_s)
        seconds = max(late_s, round(memory.clock_s - state.clock_s) + late_s)
        wishes = [shown.target] * seconds
        for clock_s, phase in memory.wishes:
            second = round(clock_s - state.clock_s)
            if 0 <= second < seconds:
                wishes[second:] = [phase] * (seconds - second)
        shown, passed = catch_up(self.net, site.index, shown, wishes)
        return shown, passed[-late_s:]

    def _shown(self, site: Site, state: SignalState, clock_s: float) -> Shown:
        """The signal at `clock_s`, from what it last said."""
        since = max(0.0, clock_s - state.clock_s)
        elapsed = state.elapsed_s + since
        is_green = state.interval is Interval.GREEN and state.phase == state.next_phase
        if is_green or state.interval is Interval.FLASH:
            return Shown(state.phase, state.phase, round(elapsed), 0)
        change = site.rules.change(site.rules.phases[state.phase], state.next_phase)
        left = change.steps_from(state.interval) - round(elapsed)
        if left <= 0:
            return Shown(state.next_phase, state.next_phase, -left, 0)
        return Shown(state.phase, state.next_phase, 0, left)

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

    def _demand(
        self, site: Site, memory: _Memory, measurement: LaneMeasurement, passed: Sequence[Passed]
    ) -> Demand:
        lanes = len(site.config.lanes)
        first_lane = int(self.net.lane_ptr[site.index])
        moves = slice(self.net.movement_ptr[site.index], self.net.movement_ptr[site.index + 1])
        arrived: Floats = np.zeros((lanes, self._horizon + GAP_S + 1 + len(passed)))
        for reading in measurement.lanes:
            lane = site.lane_index.get(reading.lane)
            if lane is not None:
                limit = float(self.net.lane_speed[lane])
                for vehicle in reading.observed:
                    second = int(arrival_s(vehicle.distance_m, vehicle.speed_mps, limit))
                    if second <= self._horizon:
                        arrived[lane - first_lane, second] += 1
        readings = {reading.lane: reading for reading in measurement.lanes}
        claims = enter(Sight(self.net, site, readings), memory.claims, arrived)
        blocked = self._blocked(memory, claims)
        second = self._seconds.of(measurement.at)
        reckoning = memory.reckoning
        add_inflow(self.net, site.index, second, self.shared, reckoning.blind, arrived)
        if reckoning.blind.any():
            arrived[:, 0] += reckoning.queue * reckoning.blind
            arrived += (reckoning.flow * reckoning.blind)[:, None]
        np.cumsum(arrived, axis=1, out=arrived)
        exits = int(self.net.exit_ptr[site.index + 1] - self.net.exit_ptr[site.index])
        room: Floats = np.zeros((exits, self._horizon + 1))
        crowd: Floats = np.zeros(exits)
        find_room(self.net, site.index, second, self.shared, room, crowd)
        crowd *= self._weights.crowd_cost
        flowing = np.minimum(memory.lane_green_s, memory.since_crossing_s)
        flowing[memory.wait_s > START_S] = 0.0
        credit = np.clip(flowing / self._weights.protected_headway, 0.0, 1.0)
        if passed:
            arrived, credit = let_go(
                self.net, site.index, passed, arrived, credit, self.turns.share[moves], self._weights
            )
        demand = Demand(
            arrived,
            self.turns.share[moves],
            self.turns.head[moves],
            1.0 + np.minimum((memory.wait_s / LONG_WAIT_S) ** 2, 4.0),
            MISSED_SHARE * memory.rate * memory.red_s,
            blocked,
            credit,
            room,
            crowd,
            claims,
        )
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
