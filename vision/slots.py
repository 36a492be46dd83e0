"""One slot per camera in which the latest frame wins; what is overwritten is counted. Thread-safe."""

import threading
from collections import Counter, OrderedDict

MAX_CAMERAS = 256


class LatestFrames:
    """Between the thread that receives frames and the one that looks at them.

    `take` serves cameras in the order in which their waiting frame's first predecessor came, so a busy camera
    cannot starve another.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, bytes] = OrderedDict()
        self._ready = threading.Condition()
        self.received: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def offer(self, camera: str, payload: bytes) -> None:
        """Put a frame; an older one of the same camera that still waits is dropped."""
        with self._ready:
            self.received[camera] += 1
            if camera in self._waiting:
                self.dropped[camera] += 1
            elif len(self._waiting) >= MAX_CAMERAS:
                self.dropped[camera] += 1
                return
            self._waiting[camera] = payload
            self._ready.notify()

    def take(self, timeout_s: float) -> tuple[str, bytes] | None:
        """The frame that is due, or None when none comes within `timeout_s`."""
        with self._ready:
            if not self._waiting and not self._ready.wait(timeout_s):
                return None
            return self._waiting.popitem(last=False) if self._waiting else None

    def forget(self, camera: str) -> None:
        """Drop what waits for a camera that this group no longer serves."""
        with self._ready:
            self._waiting.pop(camera, None)
            del self.received[camera]
            del self.dropped[camera]
