"""What is known of each camera: its pictures' size and rate, and what it counted today."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from citybrain.fields import LonLat
from citybrain.messages import AgentStatus, FrameMeta, TurningCount
from command.models import AgentHealth, CameraNow, PictureView

Counts = dict[str, dict[str, int]]
"""Movement, road user, number."""

RATE_PICTURES = 10


@dataclass(slots=True)
class Camera:
    """Counts are split at `CameraBoard.since`: earlier ones are the database's, later ones MQTT's."""

    stored: Counts = field(default_factory=dict)
    live: Counts = field(default_factory=dict)
    width: int | None = None
    height: int | None = None
    counted_until: dict[str, datetime] = field(default_factory=dict)
    """Movement, end of its last live count: what an agent sends again is not counted again."""
    pictures_at: deque[datetime] = field(default_factory=lambda: deque(maxlen=RATE_PICTURES))

    def fps(self) -> float | None:
        """Of the last `RATE_PICTURES` pictures; None before there are two."""
        if len(self.pictures_at) < 2:
            return None
        span_s = (self.pictures_at[-1] - self.pictures_at[0]).total_seconds()
        return (len(self.pictures_at) - 1) / span_s if span_s > 0 else None


class CameraBoard:
    """All cameras that were configured or heard of."""

    def __init__(self, configured: Mapping[str, LonLat | None]) -> None:
        self._positions = configured
        self._cameras: dict[str, Camera] = {}
        self._day: date | None = None
        self.since: datetime | None = None
        """When counting from MQTT began today; counts before it are asked of the database."""
        self.changed: set[str] = set(configured)
        self.pictured: set[str] = set()

    def known(self) -> set[str]:
        return set(self._cameras) | set(self._positions)

    def touch(self, camera: str) -> None:
        """Say that something about this camera changed."""
        self._cameras.setdefault(camera, Camera())
        self.changed.add(camera)

    def count(self, count: TurningCount, now: datetime) -> None:
        """Add a count of today; one of another day only concerns history."""
        self.turn_day(now)
        if self.since is None or count.end_at < self.since:
            return
        camera = self._cameras.setdefault(count.camera, Camera())
        until = camera.counted_until.get(count.movement)
        if until is not None and count.end_at <= until:
            return
        camera.counted_until[count.movement] = count.end_at
        self.changed.add(count.camera)
        movement = camera.live.setdefault(count.movement, {})
        for road_user, number in count.counts.items():
            movement[road_user.value] = movement.get(road_user.value, 0) + number

    def turn_day(self, now: datetime) -> None:
        """Start from nothing at midnight UTC, and at the first call."""
        today = now.astimezone(UTC).date()
        if self._day == today:
            return
        midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
        self.since = now if self._day is None else midnight
        self._day = today
        for name, camera in self._cameras.items():
            camera.stored, camera.live = {}, {}
            self.changed.add(name)

    def seed(self, rows: Iterable[tuple[str, str, str, int]]) -> None:
        """Set what the database holds of today before `since`: camera, movement, road user, number."""
        stored: dict[str, Counts] = {}
        for name, movement, road_user, number in rows:
            stored.setdefault(name, {}).setdefault(movement, {})[road_user] = number
        for name, counts in stored.items():
            self.touch(name)
            self._cameras[name].stored = counts

    def picture(self, meta: FrameMeta) -> None:
        """Note a picture that vision published."""
        camera = self._cameras.setdefault(meta.camera, Camera())
        if (camera.width, camera.height) != (meta.width, meta.height):
            camera.width, camera.height = meta.width, meta.height
            self.changed.add(meta.camera)
        camera.pictures_at.append(meta.at.astimezone(UTC))
        self.pictured.add(meta.camera)

    def drain_changed(self) -> list[str]:
        names, self.changed = sorted(self.changed), set()
        return names

    def drain_pictured(self) -> list[PictureView]:
        names, self.pictured = sorted(self.pictured), set()
        return [PictureView(camera=name, at=self._cameras[name].pictures_at[-1]) for name in names]

    def position(self, camera: str, told: LonLat | None, fallback: LonLat | None) -> LonLat | None:
        """As configured, else as the agent says, else beside the first intersection of the map."""
        return self._positions.get(camera) or told or fallback

    def view(
        self, camera: str, status: AgentStatus | None, health: AgentHealth, fallback: LonLat | None
    ) -> CameraNow:
        known = self._cameras.get(camera)
        return CameraNow(
            camera=camera,
            position=self.position(camera, status.position if status else None, fallback),
            health=health,
            at=status.at.astimezone(UTC) if status else None,
            fps=known.fps() if known else None,
            width=known.width if known else None,
            height=known.height if known else None,
            counts=_merged(known.stored, known.live) if known else {},
            picture_at=known.pictures_at[-1] if known and known.pictures_at else None,
        )


def _merged(stored: Counts, live: Counts) -> Counts:
    total = {movement: dict(users) for movement, users in stored.items()}
    for movement, users in live.items():
        own = total.setdefault(movement, {})
        for road_user, number in users.items():
            own[road_user] = own.get(road_user, 0) + number
    return total
