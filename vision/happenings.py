"""Traffic events of one camera: one for each cause, with a start, an end and a pause before the next.

A cause must hold for a while before it is told, and be gone for a while before it is over; the same cause
within the pause goes on under the same start, so that operators are not flooded.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from citybrain.calibration import Lane
from citybrain.messages import EventKind, RoadUser
from vision.lanes import LaneMeter
from vision.motion import Mover

AFTER_S = {
    EventKind.STOPPED_VEHICLE: 20.0,
    EventKind.WRONG_WAY: 1.0,
    EventKind.PERSON_ON_CARRIAGEWAY: 2.0,
    EventKind.QUEUE_SPILLBACK: 20.0,
}
OVER_S = {
    EventKind.STOPPED_VEHICLE: 5.0,
    EventKind.WRONG_WAY: 3.0,
    EventKind.PERSON_ON_CARRIAGEWAY: 5.0,
    EventKind.QUEUE_SPILLBACK: 15.0,
}
COOLDOWN_S = 60.0
STOPPED_MPS = 0.5
WRONG_MPS = -2.0
SPACE_AHEAD_M = 15.0
"""Who stands with that much free road ahead is no part of a queue."""
SPILLBACK_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Happening:
    """Something began, or with `until_s` is over. `place` is a lane or zone; `quality` from 0 to 1."""

    kind: EventKind
    place: str
    since_s: float
    until_s: float | None
    quality: float


@dataclass(slots=True)
class _Cause:
    since_s: float
    last_s: float
    looks: int = 1
    holds: int = 1
    is_told: bool = False
    over_s: float | None = None


class Happenings:
    """Bundles what holds in each frame into events."""

    def __init__(self) -> None:
        self._causes: dict[tuple[EventKind, str], _Cause] = {}

    def update(self, holding: Iterable[tuple[EventKind, str]], at_s: float) -> list[Happening]:
        """What began or ended with this frame, in which all of `holding` hold."""
        now = set(holding)
        for key in now:
            self._note(key, at_s)
        told = []
        for key, cause in list(self._causes.items()):
            cause.looks += key not in now
            told += self._judge(key, cause, at_s)
        return told

    def _note(self, key: tuple[EventKind, str], at_s: float) -> None:
        cause = self._causes.get(key)
        if cause is None:
            self._causes[key] = _Cause(at_s, at_s)
            return
        cause.over_s = None
        cause.last_s = at_s
        cause.looks += 1
        cause.holds += 1

    def _judge(self, key: tuple[EventKind, str], cause: _Cause, at_s: float) -> list[Happening]:
        kind, place = key
        quality = round(cause.holds / cause.looks, 3)
        if at_s - cause.last_s >= OVER_S[kind]:
            if not cause.is_told:
                del self._causes[key]
                return []
            if cause.over_s is None:
                cause.over_s = cause.last_s
                return [Happening(kind, place, cause.since_s, cause.last_s, quality)]
            if at_s - cause.over_s >= COOLDOWN_S:
                del self._causes[key]
        elif not cause.is_told and cause.last_s - cause.since_s >= AFTER_S[kind]:
            cause.is_told = True
            return [Happening(kind, place, cause.since_s, None, quality)]
        return []


def on_lane(meter: LaneMeter, movers: Iterable[Mover]) -> list[tuple[EventKind, str]]:
    """What holds on one lane in this frame."""
    lane: Lane = meter.lane
    placed = [(mover, place) for mover in movers if (place := meter.place(mover)) is not None]
    vehicles = [(m, p) for m, p in placed if m.is_known and m.road_user is not RoadUser.PERSON]
    holding = []
    fronts = sorted(place[0] for _, place in vehicles)
    for mover, (front_m, _, along_mps) in vehicles:
        if along_mps < WRONG_MPS and mover.road_user is not RoadUser.BICYCLE:
            holding.append((EventKind.WRONG_WAY, lane.lane))
        ahead = [other for other in fronts if other < front_m]
        free_m = front_m - max(ahead, default=0.0)
        if not lane.may_stop and mover.speed_mps < STOPPED_MPS and free_m > SPACE_AHEAD_M:
            holding.append((EventKind.STOPPED_VEHICLE, lane.lane))
    _, queue_m = meter.queue()
    if queue_m >= SPILLBACK_SHARE * meter.length_m:
        holding.append((EventKind.QUEUE_SPILLBACK, lane.lane))
    return holding
