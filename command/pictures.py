"""The latest picture of each camera, in memory only, and waiting for the next one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from citybrain.messages import FrameMeta

MAX_CAMERAS = 1_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A blurred JPEG with boxes as vision published it; `number` counts this camera's pictures here."""

    meta: FrameMeta
    jpeg: bytes
    number: int


class PictureBoard:
    """One picture a camera; older ones are forgotten. For one event loop."""

    def __init__(self) -> None:
        self._latest: dict[str, Picture] = {}
        self._changed = asyncio.Event()
        self.closed = False

    def put(self, meta: FrameMeta, jpeg: bytes) -> bool:
        """Keep a picture; False where it is older than the one held or there are too many cameras."""
        known = self._latest.get(meta.camera)
        if known is not None and (meta.boot, meta.frame) <= (known.meta.boot, known.meta.frame):
            return False
        if known is None and len(self._latest) >= MAX_CAMERAS:
            return False
        self._latest[meta.camera] = Picture(meta, jpeg, known.number + 1 if known else 1)
        self._wake()
        return True

    def get(self, camera: str) -> Picture | None:
        return self._latest.get(camera)

    async def after(self, camera: str, number: int) -> Picture | None:
        """The first picture held whose number is greater than `number`; None once closed."""
        while not self.closed:
            picture = self._latest.get(camera)
            if picture is not None and picture.number > number:
                return picture
            await self._changed.wait()
        return None

    async def newer(self, numbers: Mapping[str, int]) -> list[Picture]:
        """The pictures held whose number is greater than their camera's in `numbers`; none once closed."""
        while not self.closed:
            held = [self._latest[camera] for camera in numbers if camera in self._latest]
            if found := [picture for picture in held if picture.number > numbers[picture.meta.camera]]:
                return found
            await self._changed.wait()
        return []

    def close(self) -> None:
        """End every wait."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
