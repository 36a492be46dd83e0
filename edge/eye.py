"""Local detection for a camera: a detector in a process of its own, started when it is first needed.

The agent itself loads no detector. It gives the process a picture and waits for the boxes; one that dies,
hangs or is not installed is tried again, ever less often, and the camera goes on without.
"""

import os
import select
import subprocess
import sys
import time

import msgspec
import structlog

from citybrain.errors import Unavailable
from citybrain.messages import Box
from citybrain.pipes import packed
from citybrain.sources import Image
from edge.picture import jpeg_of

log = structlog.get_logger()

COMMAND = (sys.executable, "-m", "citybrain", "vision", "boxes")
START_S = 60.0
"""For the first answer of a process: it has to load the detector."""
ANSWER_S = 5.0
BACKOFF_S = (5.0, 30.0, 300.0)
QUALITY = 90
_boxes = msgspec.json.Decoder(tuple[Box, ...])


class Eye:
    """The detector of one camera; not for several threads."""

    def __init__(self, command: tuple[str, ...] = COMMAND, model: str = "") -> None:
        self._command = (*command, "--model", model) if model else command
        self._process: subprocess.Popen[bytes] | None = None
        self._is_new = True
        self._failures = 0
        self._retry_at = 0.0
        self.fault = ""
        """Why nothing is seen now; empty where it works."""

    def look(self, image: Image) -> tuple[Box, ...] | None:
        """The road users in `image` (h, w, 3); None while nobody can say."""
        now = time.monotonic()
        if self._process is None and now < self._retry_at:
            return None
        try:
            process = self._process = self._process or self._start()
            deadline = now + (START_S if self._is_new else ANSWER_S)
            _write(process, packed(jpeg_of(image, QUALITY)), deadline)
            found = _boxes.decode(_line(process, deadline))
        except (OSError, Unavailable, msgspec.DecodeError) as error:
            self._fail(f"the local detector fails: {str(error) or type(error).__name__}")
            return None
        self._is_new, self._failures, self.fault = False, 0, ""
        return found

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        self._is_new = True
        log.info("local_detector_started", pid=process.pid)
        return process

    def _fail(self, reason: str) -> None:
        self.close()
        self._retry_at = time.monotonic() + BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        if reason != self.fault:
            log.warning("local_detector_failed", reason=reason)
        self.fault = reason


def _write(process: subprocess.Popen[bytes], payload: bytes, deadline: float) -> None:
    """A process that reads no more must not hold up the camera."""
    assert process.stdin is not None
    rest = memoryview(payload)
    while rest:
        _, ready, _ = select.select([], [process.stdin], [], _left_s(deadline))
        if not ready:
            raise Unavailable("it takes no picture")
        rest = rest[os.write(process.stdin.fileno(), rest) :]


def _line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    assert process.stdout is not None
    line = bytearray()
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], _left_s(deadline))
        if not ready:
            raise Unavailable("it does not answer")
        part = os.read(process.stdout.fileno(), 65_536)
        if not part:
            raise Unavailable(f"it ended with {process.wait()}")
        line += part
    return bytes(line)


def _left_s(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)
