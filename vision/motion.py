"""Where each track is on the ground, and how fast it goes: a straight line through its last sights.

A box trembles by a few pixels, which far away is metres; a speed from two sights would be worth nothing.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from citybrain.ground import Ground
from citybrain.messages import RoadUser
from vision.detections import ROAD_USERS
from vision.tracker import Tracks

Floats = NDArray[np.float64]

WINDOW_S = 1.2
MIN_SPAN_S = 0.35
MIN_SIGHTS = 3
FORGET_S = 30.0
MAX_SIGHTS = 64


@dataclass(frozen=True, slots=True)
class Mover:
    """A road user on the ground: metres east and north, metres per second."""

    track: int
    road_user: RoadUser
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    is_known: bool
    """Whether it was seen for long enough to tell its speed."""

    @property
    def speed_mps(self) -> float:
        return float(np.hypot(self.vx_mps, self.vy_mps))


@dataclass(slots=True)
class _History:
    sights: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=MAX_SIGHTS))


class Motion:
    """All tracks of one camera; feed it every frame's tracks."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._tracks: dict[int, _History] = {}

    def update(self, tracks: Tracks, at_s: float) -> list[Mover]:
        """Where everybody is who was seen in this frame and whom no edge of the picture cuts."""
        boxes = tracks.found.boxes.astype(np.float64)
        feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)
        places = self._ground.to_metres(feet)
        good = np.flatnonzero(tracks.seen & ~tracks.cut & np.isfinite(places).all(axis=1))
        movers = []
        for row in good.tolist():
            history = self._tracks.setdefault(int(tracks.found.track[row]), _History())
            history.sights.append((at_s, float(places[row, 0]), float(places[row, 1])))
            user = ROAD_USERS[int(tracks.found.road_user[row])]
            movers.append(_mover(int(tracks.found.track[row]), user, history))
        self._forget(at_s)
        return movers

    def _forget(self, at_s: float) -> None:
        for number in [n for n, h in self._tracks.items() if at_s - h.sights[-1][0] > FORGET_S]:
            del self._tracks[number]


def _mover(track: int, user: RoadUser, history: _History) -> Mover:
    """Least squares over the last `WINDOW_S`."""
    last = history.sights[-1][0]
    recent = np.array([sight for sight in history.sights if last - sight[0] <= WINDOW_S])
    off = recent[:, 0] - last
    if len(recent) < MIN_SIGHTS or off[0] > -MIN_SPAN_S:
        _, x, y = history.sights[-1]
        return Mover(track, user, x, y, 0.0, 0.0, is_known=False)
    centred = off - off.mean()
    velocity = centred @ recent[:, 1:] / (centred @ centred)
    place = recent[:, 1:].mean(axis=0) - velocity * off.mean()
    vx, vy = velocity.tolist()
    return Mover(track, user, float(place[0]), float(place[1]), vx, vy, is_known=True)
