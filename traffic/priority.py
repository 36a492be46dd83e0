"""Requests for priority: who may claim which intersection now, in what order, and for how long. Pure.

A request claims an intersection of its path once its vehicle is within the optimiser's horizon of it. It
never holds a phase: it puts a price on its own waiting (`traffic/rights.py`), and the optimiser, which knows
queues, yellow and pedestrian clearance, finds the cheapest way to let it through.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from citybrain.messages import (
    EmergencyClass,
    PriorityCancel,
    PriorityLeg,
    PriorityPosition,
    PriorityProgress,
    PriorityRequest,
    PriorityState,
)
from traffic.claims import Claim
from traffic.driving import ACCELERATION_MPS2, STANDING_MPS
from traffic.pace import wall_s

ORDER = {kind: place for place, kind in enumerate(EmergencyClass)}
BRAKING_MPS2 = 4.5
"""A driver who sees red or a queue brakes at most so hard, and begins so much earlier than at the line."""
MOST_ETA_S = 3_600.0
MOST_REQUESTS = 200
"""Open at a time in one city; more are a fault or an attack."""
PASSED_M = 3.0
"""So far behind the stop line a vehicle has passed it, whatever its position's error."""
DONE = frozenset({PriorityState.PASSED, PriorityState.EXPIRED, PriorityState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of priority, in street seconds; `weight` is the price of the first vehicle's waiting."""

    horizon_s: float = 60.0
    """Within it an intersection prepares."""
    max_hold_s: float = 180.0
    """Longest claim of one request on one intersection, whatever the vehicle does."""
    clear_s: float = 120.0
    """A vehicle that has stood so long clears no road ahead of its next intersection."""
    lockout_s: float = 20.0
    """After a claim no new one begins at that intersection; who claimed beside it goes on."""
    silent_s: float = 5.0
    """Without a position for so long a vehicle claims nothing."""
    keep_s: float = 60.0
    """A finished request is still told about."""
    weight: float = 200.0
    second: float = 0.1
    """Share of the price that each next vehicle in the order has."""
    reaction_s: float = 1.5
    rank_margin_s: float = 5.0
    """Who comes first stays first unless another is expected so much earlier."""


DEFAULT_RULES = Rules()


@dataclass(slots=True)
class _Journey:
    """A request and what is known of its vehicle."""

    request: PriorityRequest
    position: PriorityPosition | None = None
    standing_since: datetime | None = None
    ended: PriorityState | None = None
    ended_at: datetime | None = None
    states: dict[int, PriorityState] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)
    """By leg: since when it claims."""


@dataclass(slots=True)
class _Junction:
    """What an intersection remembers of claims."""

    locked_until: datetime | None = None
    passed: str = ""
    """Who passed last: it may come back on its own path at once."""
    first: str = ""


class Priorities:
    """All requests that one region knows.

    Feed `request`, `position` and `cancel` as messages come, out of order or twice as they may; ask `claims`
    for each decision. `speed` is street seconds per second of the instants.
    """

    def __init__(self, rules: Rules = DEFAULT_RULES, speed: float = 1.0) -> None:
        self._rules = rules
        self._speed = speed
        self._journeys: dict[str, _Journey] = {}
        self._junctions: dict[str, _Junction] = {}

    @property
    def open(self) -> int:
        """Requests that have not ended."""
        return sum(journey.ended is None for journey in self._journeys.values())

    def request(self, request: PriorityRequest) -> bool:
        """A new request, or a known one with a new path or expiry; one that has ended stays ended.

        False where there are too many.
        """
        known = self._journeys.get(request.request)
        if known is None:
            if self.open >= MOST_REQUESTS:
                return False
            self._journeys[request.request] = _Journey(request)
        elif known.ended is None and request.at >= known.request.at:
            if request.path != known.request.path:
                known.states.clear()
                known.since.clear()
            known.request = request
        return True

    def position(self, position: PriorityPosition) -> None:
        """Where a vehicle is now; positions of unknown requests and older ones than the last are ignored."""
        journey = self._journeys.get(position.request)
        if journey is None or (journey.position is not None and position.at < journey.position.at):
            return
        if position.speed_mps >= STANDING_MPS:
            journey.standing_since = None
        elif journey.standing_since is None:
            journey.standing_since = position.at
        journey.position = position

    def cancel(self, cancel: PriorityCancel) -> None:
        journey = self._journeys.get(cancel.request)
        if journey is not None and journey.ended is None:
            self._end(journey, PriorityState.CANCELLED, cancel.at)

    def tick(self, now: datetime) -> None:
        """Let requests pass their intersections, expire and be forgotten."""
        for id_, journey in list(self._journeys.items()):
            if journey.ended_at is not None:
                if self._street_s(journey.ended_at, now) > self._rules.keep_s:
                    del self._journeys[id_]
                continue
            for leg, what in enumerate(journey.request.path):
                # Only what it said counts: it may have stopped since.
                said = journey.position
                if said is not None and said.travelled_m > what.distance_m + PASSED_M:
                    self._leave(journey, leg, PriorityState.PASSED, now)
            if now >= journey.request.expires_at:
                self._end(journey, PriorityState.EXPIRED, now)
            elif all(
                journey.states.get(leg) is PriorityState.PASSED for leg in range(len(journey.request.path))
            ):
                self._end(journey, PriorityState.PASSED, now)

    def claims(self, intersection: str, now: datetime) -> list[Claim]:
        """The claims on one intersection, the first in order first."""
        asking = []
        for journey in self._journeys.values():
            leg = self._next_leg(journey, intersection)
            if leg is not None and self._may_claim(journey, leg, now):
                asking.append((journey, leg, self._eta_s(journey, leg, now)))
        asking.sort(key=lambda entry: self._rank(intersection, entry[0], entry[2]))
        junction = self._junctions.setdefault(intersection, _Junction())
        junction.first = asking[0][0].request.request if asking else ""
        return [self._claim(place, *entry, now) for place, entry in enumerate(asking)]

    def progress(self, now: datetime) -> dict[str, tuple[PriorityState, list[PriorityProgress]]]:
        """By request: how it stands as a whole and at each intersection of its path."""
        return {
            id_: (self._whole(journey, now), self._legs(journey, now))
            for id_, journey in self._journeys.items()
        }

    def _next_leg(self, journey: _Journey, intersection: str) -> int | None:
        """The first leg at this intersection that is still to come; a path may cross one twice."""
        if journey.ended is not None or journey.position is None:
            return None
        for leg, what in enumerate(journey.request.path):
            if what.intersection == intersection and journey.states.get(leg) is not PriorityState.PASSED:
                return leg
        return None

    def _may_claim(self, journey: _Journey, leg: int, now: datetime) -> bool:
        """Whether it claims now; keeps its state at that leg."""
        if self._is_silent(journey, now):
            self._pause(journey, leg, PriorityState.SILENT)
            return False
        eta_s, stood_s = self._eta_s(journey, leg, now), self._stood_s(journey, leg, now)
        junction = self._junctions.setdefault(journey.request.path[leg].intersection, _Junction())
        if eta_s + stood_s > self._rules.horizon_s:
            # It stands somewhere before: what is full between here and there is still to be cleared.
            self._pause(journey, leg, PriorityState.AHEAD)
            return eta_s <= self._rules.horizon_s and stood_s <= self._rules.clear_s
        if leg in journey.since:
            if self._street_s(journey.since[leg], now) < self._rules.max_hold_s:
                return True
            self._leave(journey, leg, PriorityState.LOCKED_OUT, now)
            return False
        is_locked = junction.locked_until is not None and now < junction.locked_until
        if is_locked and junction.passed != journey.request.request:
            journey.states[leg] = PriorityState.LOCKED_OUT
            return False
        journey.since[leg] = now
        return True

    def _rank(self, intersection: str, journey: _Journey, eta_s: float) -> tuple[int, float]:
        """By class, then by expected arrival; who was first keeps a margin."""
        is_first = self._junctions[intersection].first == journey.request.request
        return ORDER[journey.request.emergency], eta_s - (self._rules.rank_margin_s if is_first else 0.0)

    def _claim(self, place: int, journey: _Journey, leg: int, eta_s: float, now: datetime) -> Claim:
        if leg in journey.since:
            journey.states[leg] = PriorityState.QUEUED if place else PriorityState.GRANTED
        assert journey.position is not None
        path, position = journey.request.path, journey.position
        return Claim(
            request=journey.request.request,
            movements=tuple(path[leg].movements),
            link_m=path[leg].distance_m - (path[leg - 1].distance_m if leg else 0.0),
            distance_m=max(self._ahead_m(journey, leg, now), 0.0),
            speed_mps=position.speed_mps,
            eta_s=eta_s,
            stood_s=self._stood_s(journey, leg, now),
            lane=position.lane if self._is_next(journey, leg) else None,
            lead_s=self._rules.reaction_s + self._cruise_mps(journey, leg) / (2 * BRAKING_MPS2),
            weight=self._rules.weight * self._rules.second**place,
        )

    def _eta_s(self, journey: _Journey, leg: int, now: datetime) -> float:
        """Seconds on a free road from where and how fast it is now; no one knows more of the way."""
        position = journey.position
        if position is None:
            return math.inf
        path = journey.request.path
        left_s = path[leg].free_s - _free_s(path, position.travelled_m)
        left_m = max(0.0, path[leg].distance_m - position.travelled_m)
        left_s += _lost_s(left_m, position.speed_mps, self._cruise_mps(journey, leg))
        left_s -= self._street_s(position.at, now)
        return max(left_s, 0.0)

    def _stood_s(self, journey: _Journey, leg: int, now: datetime) -> float:
        """For how long it has stood on its way to an intersection after its next.

        It is expected to stand as long again: so signals ahead wait for it less and less, instead of holding
        green for who does not come.
        """
        if journey.standing_since is None or self._is_next(journey, leg):
            return 0.0
        return self._street_s(journey.standing_since, now)

    def _is_next(self, journey: _Journey, leg: int) -> bool:
        return leg == 0 or journey.states.get(leg - 1) is PriorityState.PASSED

    def _cruise_mps(self, journey: _Journey, leg: int) -> float:
        """Mean speed on a free road from the leg before to this one."""
        path = journey.request.path
        before_m, before_s = (path[leg - 1].distance_m, path[leg - 1].free_s) if leg else (0.0, 0.0)
        seconds = path[leg].free_s - before_s
        return max((path[leg].distance_m - before_m) / seconds, 1.0) if seconds > 0 else 10.0

    def _ahead_m(self, journey: _Journey, leg: int, now: datetime) -> float:
        """Metres to the stop line now, on the assumption that it drove on as it did."""
        position = journey.position
        if position is None:
            return math.inf
        age_s = min(self._street_s(position.at, now), self._rules.silent_s)
        driven_m = position.travelled_m + position.speed_mps * max(age_s, 0.0)
        return journey.request.path[leg].distance_m - driven_m

    def _is_silent(self, journey: _Journey, now: datetime) -> bool:
        if journey.position is None:
            return True
        return (now - journey.position.at).total_seconds() > wall_s(self._rules.silent_s, self._speed)

    def _pause(self, journey: _Journey, leg: int, state: PriorityState) -> None:
        journey.since.pop(leg, None)
        journey.states[leg] = state

    def _leave(self, journey: _Journey, leg: int, state: PriorityState, now: datetime) -> None:
        """Leave an intersection; where it claimed, that one is locked for the next."""
        if journey.since.pop(leg, None) is not None:
            id_ = journey.request.path[leg].intersection
            junction = self._junctions.setdefault(id_, _Junction())
            junction.locked_until = now + timedelta(seconds=self._rules.lockout_s / self._speed)
            junction.passed = journey.request.request if state is PriorityState.PASSED else ""
        journey.states[leg] = state

    def _end(self, journey: _Journey, state: PriorityState, now: datetime) -> None:
        for leg in range(len(journey.request.path)):
            if journey.states.get(leg) is not PriorityState.PASSED:
                self._leave(journey, leg, state, now)
        journey.ended, journey.ended_at = state, now

    def _whole(self, journey: _Journey, now: datetime) -> PriorityState:
        if journey.ended is not None:
            return journey.ended
        if self._is_silent(journey, now):
            return PriorityState.SILENT
        states = set(journey.states.values())
        for state in (PriorityState.GRANTED, PriorityState.QUEUED, PriorityState.LOCKED_OUT):
            if state in states:
                return state
        return PriorityState.AHEAD

    def _legs(self, journey: _Journey, now: datetime) -> list[PriorityProgress]:
        found = []
        for leg, what in enumerate(journey.request.path):
            state = journey.states.get(leg, PriorityState.AHEAD)
            eta_s = self._eta_s(journey, leg, now) + self._stood_s(journey, leg, now)
            if state in DONE:
                eta_s = math.inf
            found.append(PriorityProgress(what.intersection, state, eta_s if eta_s < MOST_ETA_S else None))
        return found

    def _street_s(self, since: datetime, now: datetime) -> float:
        return (now - since).total_seconds() * self._speed


def _free_s(path: Sequence[PriorityLeg], travelled_m: float) -> float:
    """Seconds on a free road from the path's start to a place on it."""
    metres = [0.0, *(leg.distance_m for leg in path)]
    seconds = [0.0, *(leg.free_s for leg in path)]
    return float(np.interp(travelled_m, metres, seconds))


def _lost_s(distance_m: float, speed_mps: float, cruise_mps: float) -> float:
    """Seconds that accelerating costs over a distance, against driving it at `cruise_mps`."""
    slower_mps = max(0.0, cruise_mps - speed_mps)
    ramp_m = (cruise_mps**2 - speed_mps**2) / (2 * ACCELERATION_MPS2)
    if distance_m >= ramp_m:
        return slower_mps**2 / (2 * ACCELERATION_MPS2 * cruise_mps)
    reached_mps = math.sqrt(speed_mps**2 + 2 * ACCELERATION_MPS2 * distance_m)
    return (reached_mps - speed_mps) / ACCELERATION_MPS2 - distance_m / cruise_mps
