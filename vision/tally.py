"""Sums crossings by movement and class until it is time to report them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from citybrain.messages import RoadUser, TurningCount
from vision.counting import Crossing

ZERO_S = 60.0
"""That nobody came is said at least this often."""


@dataclass(slots=True)
class _Movement:
    counts: Counter[RoadUser]
    start_s: float
    is_told: bool = False


class Tally:
    """The counts of one camera. Each movement's reports follow on each other without a gap."""

    def __init__(self, camera: str, period_s: float) -> None:
        self._camera = camera
        self._period_s = period_s
        self._movements: dict[str, _Movement] = {}
        self._looked = 0
        self._missed = 0
        self._due_s = 0.0

    def add(self, movements: Iterable[str], crossings: Iterable[Crossing], now_s: float) -> None:
        """One frame was looked at; the camera's movements, and who crossed."""
        self._looked += 1
        for name in movements:
            if name not in self._movements:
                self._movements[name] = _Movement(Counter(), now_s)
        for crossing in crossings:
            self._movements[crossing.movement].counts[crossing.road_user] += 1

    def miss(self, frames: int = 1) -> None:
        """Frames came and could not be looked at."""
        self._missed += frames

    @property
    def quality(self) -> float:
        """Share of the frames since the last reports that were looked at."""
        return self._looked / max(self._looked + self._missed, 1)

    def collect(self, now_s: float, *, well: bool) -> list[TurningCount]:
        """What is due: movements with counts once a period, without any at first and once a minute.

        They are not numbered yet.

        Nothing is said of a time without frames. `quality` is the share of the frames that were looked at,
        0 where the camera is not `well`.
        """
        if now_s < self._due_s:
            return []
        self._due_s = now_s + self._period_s
        share = self.quality
        reports = []
        for name, movement in self._movements.items():
            if not self._looked and not movement.counts:
                movement.start_s = now_s
            elif movement.counts or not movement.is_told or now_s - movement.start_s >= ZERO_S:
                reports.append(self._report(name, movement, now_s, share if well else 0.0))
                movement.counts, movement.start_s, movement.is_told = Counter(), now_s, True
        self._looked = self._missed = 0
        return reports

    def _report(self, name: str, movement: _Movement, now_s: float, quality: float) -> TurningCount:
        end = datetime.fromtimestamp(now_s, UTC)
        return TurningCount(
            at=end,
            device=f"camera/{self._camera}",
            boot=1,
            seq=1,
            camera=self._camera,
            movement=name,
            start_at=datetime.fromtimestamp(movement.start_s, UTC),
            end_at=end,
            # A zero for each class: a record of having looked, where an empty one would leave no row.
            counts=dict(movement.counts) or dict.fromkeys(RoadUser, 0),
            quality=quality,
        )
