"""Keeps what was published until `ingest` says that it is stored, and says it again until then.

In memory and bounded: counts that are waiting when the process dies are lost, which the seconds between two
frames allow; a broker or a database that is away for hours does not lose them. Thread-safe.
"""

import threading
from collections import deque
from dataclasses import dataclass

RESEND_S = 5.0
MAX_PAUSE_S = 60.0
WINDOW = 200
"""Messages that are said again at a time."""
CAPACITY = 20_000


@dataclass(slots=True)
class Letter:
    """A numbered message on its way."""

    seq: int
    topic: str
    payload: bytes
    sent_s: float


class Unacknowledged:
    """The messages of one device and boot that are not known to be stored, oldest first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._letters: deque[Letter] = deque()
        self._capacity = capacity
        self._pause_s = RESEND_S
        self._lock = threading.Lock()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, seq: int, topic: str, payload: bytes, now_s: float) -> None:
        """Keep a message that is being published now; the oldest goes when there are too many."""
        with self._lock:
            if len(self._letters) >= self._capacity:
                self._letters.popleft()
                self.dropped += 1
            self._letters.append(Letter(seq, topic, payload, now_s))

    def settle(self, seq: int) -> None:
        """Forget everything up to `seq`: it is stored."""
        with self._lock:
            self._pause_s = RESEND_S
            while self._letters and self._letters[0].seq <= seq:
                self._letters.popleft()

    def due(self, now_s: float) -> list[Letter]:
        """What should be said again now; each time without an answer doubles the pause."""
        with self._lock:
            window = list(self._letters)[:WINDOW]
            due = [letter for letter in window if now_s - letter.sent_s >= self._pause_s]
            for letter in due:
                letter.sent_s = now_s
            if due:
                self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)
        return due
