"""Virtual loops in the approach lanes: when which one is covered, from where the vehicles are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simulations.enumeration import Event
from simulations.events import Row
from simulations.layout import Detector, Layout
from simulations.network import SignalNetwork
from simulations.watching import Vehicle

STEP_S = 1.0
_NEAR_M = 0.5
"""A front that would be this far from the line at least has not crossed it."""


class _Place(NamedTuple):
    """A SUMO lane in a view: metres from its begin to the stop line of `lane`."""

    lane: str
    to_line_m: float


@dataclass(slots=True)
class _Track:
    """A vehicle on one approach lane, or just beyond its stop line, and the channels it covers."""

    lane: str
    distance_m: float
    length_m: float
    covers: set[int] = field(default_factory=set)


_Change = tuple[float, int, str, int]
"""Share of the step, +1 covered or -1 freed, lane, channel."""


class Loops:
    """All detectors of a network; `step` once a second.

    A vehicle moves at its speed over the whole step, as in SUMO's default integration, so that times within
    the second are exact on one lane. Beyond the stop line it is followed until its rear is off the loops.
    """

    def __init__(self, network: SignalNetwork, layouts: Mapping[str, Layout]) -> None:
        self._places = {
            stretch.lane: _Place(lane, stretch.offset_m + stretch.length_m)
            for lane, view in network.views.items()
            for stretch in view
        }
        self._device: dict[str, str] = {}
        self._loops: dict[str, list[Detector]] = {lane: [] for lane in network.views}
        for device, layout in layouts.items():
            for detector in layout.detectors:
                self._loops[detector.lane].append(detector)
                self._device[detector.lane] = device
        self._far_m = {
            lane: max((d.far_m for d in loops), default=0.0) for lane, loops in self._loops.items()
        }
        self._tracks: dict[str, _Track] = {}
        self._covered: dict[tuple[str, int], int] = {}
        self._known: set[str] = set()
        self._lengths: dict[str, float] = {}

    def step(self, time_s: float, vehicles: Mapping[str, Vehicle], sumo: Any) -> list[Row]:
        """Loops that were covered or freed in the second that begins at `time_s`, in order of time."""
        changes: list[_Change] = []
        tracks: dict[str, _Track] = {}
        for id_, vehicle in vehicles.items():
            place = self._places.get(vehicle.lane)
            track = self._tracks.get(id_)
            if track is not None and (place is None or place.lane != track.lane):
                if self._leave(track, vehicle, place, changes):
                    tracks[id_] = track
                track = None
            if place is not None:
                distance_m = place.to_line_m - vehicle.position_m
                moved_m = vehicle.speed_mps * STEP_S if id_ in self._known else 0.0
                was_m = distance_m + moved_m if track is None else track.distance_m
                track = track or _Track(place.lane, was_m, self._length(id_, sumo))
                self._move(track, was_m, distance_m, changes)
                tracks[id_] = track
        for id_ in self._known.difference(vehicles):
            self._lengths.pop(id_, None)
            if (track := self._tracks.get(id_)) is not None:
                _free(track, changes)
        self._tracks, self._known = tracks, set(vehicles)
        return self._rows(time_s, changes)

    def _leave(self, track: _Track, vehicle: Vehicle, place: _Place | None, changes: list[_Change]) -> bool:
        """Whether its rear still covers a loop.

        It is no longer on its lane: it changed to another, or its front crossed the stop line.
        """
        ahead_m = track.distance_m - vehicle.speed_mps * STEP_S
        if ahead_m > _NEAR_M:
            _free(track, changes)
            return False
        self._move(track, track.distance_m, min(ahead_m, 0.0), changes)
        if place is not None:
            _free(track, changes)
        return bool(track.covers)

    def _move(self, track: _Track, was_m: float, now_m: float, changes: list[_Change]) -> None:
        """Its front went from `was_m` to `now_m` before the line, negative beyond it."""
        track.distance_m = now_m
        if now_m > self._far_m[track.lane]:
            return
        for loop in self._loops[track.lane]:
            rear_m = loop.near_m - track.length_m
            had, has = loop.channel in track.covers, rear_m < now_m <= loop.far_m
            passed = not had and was_m > loop.far_m and now_m <= rear_m
            if (has and not had) or passed:
                changes.append((_share(was_m, now_m, loop.far_m), 1, track.lane, loop.channel))
                track.covers.add(loop.channel)
            if (had and not has) or passed:
                changes.append((_share(was_m, now_m, rear_m), -1, track.lane, loop.channel))
                track.covers.discard(loop.channel)

    def _length(self, id_: str, sumo: Any) -> float:
        length = self._lengths.get(id_)
        if length is None:
            length = self._lengths[id_] = float(sumo.vehicle.getLength(id_))
        return length

    def _rows(self, time_s: float, changes: list[_Change]) -> list[Row]:
        rows = []
        # In the same instant who comes is counted before who goes: bumper to bumper is one call.
        for share, change, lane, channel in sorted(changes, key=lambda c: (c[0], -c[1])):
            key = (self._device[lane], channel)
            count = self._covered.get(key, 0)
            self._covered[key] = count + change
            if (count, change) in {(0, 1), (1, -1)}:
                event = Event.DETECTOR_ON if change > 0 else Event.DETECTOR_OFF
                rows.append(Row(time_s + share * STEP_S, key[0], event, channel))
        return rows


def _free(track: _Track, changes: list[_Change]) -> None:
    changes += [(1.0, -1, track.lane, channel) for channel in track.covers]
    track.covers.clear()


def _share(was_m: float, now_m: float, at_m: float) -> float:
    """The part of the step after which the front is at `at_m`."""
    return min(1.0, max(0.0, (was_m - at_m) / (was_m - now_m))) if was_m > now_m else 1.0
