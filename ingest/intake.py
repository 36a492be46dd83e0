"""The intake: a bounded queue between the broker and the database, and the balance of what went through.

Backpressure: while the database is away nothing is acknowledged to the edge, whose spool holds everything.
Here a full queue first holds the broker up for a second; if there is still no room, what comes is shed,
counted, and sent again by its spool. Memory stays bounded, and the connection alive.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.arrival import Arrival

MAX_BYTES = 64_000_000
HOLD_S = 1.0
SLICE = 50
"""Messages between two looks at the bounds."""
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Balance:
    """Messages since the start, each in exactly one place: `open` is 0 at all times."""

    received: int
    committed: int
    duplicate: int
    dead_lettered: int
    statuses: int
    shed: int
    queue: int
    in_hand: int

    @property
    def open(self) -> int:
        """Received and nowhere to be found."""
        settled = self.committed + self.duplicate + self.dead_lettered + self.statuses
        return self.received - settled - self.shed - self.queue - self.in_hand


class Intake:
    """One producer (the broker's thread), one consumer (the writer), anybody may look at the balance."""

    def __init__(self, max_messages: int, max_bytes: int = MAX_BYTES, hold_s: float = HOLD_S) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._hold_s = hold_s
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._room = threading.Event()
        self._queue: deque[tuple[float, Arrival]] = deque()
        self._bytes = 0
        self._is_shedding = False
        self._received = self._shed = self._in_hand = 0
        self._settled = [0, 0, 0, 0]

    def put(self, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """Take messages in; returns those that had to be shed."""
        now_s = time.monotonic()
        for place in range(0, len(arrivals), SLICE):
            part = arrivals[place : place + SLICE]
            if self._is_full() and not self._wait_for_room():
                shed = arrivals[place:]
                with self._lock:
                    self._received += len(shed)
                    self._shed += len(shed)
                return shed
            with self._lock:
                self._received += len(part)
                self._bytes += sum(len(arrival.payload) for arrival in part)
                self._queue.extend((now_s, arrival) for arrival in part)
            if not self._arrived.is_set():
                self._arrived.set()
        return ()

    def take(self, most: int, gather_s: float, idle_s: float) -> list[Arrival]:
        """Up to `most`, gathered for `gather_s` from the first on; none after `idle_s` without any."""
        if not self._arrived.wait(idle_s):
            return []
        ready_at = self._queue[0][0] + gather_s
        while len(self._queue) < most and (left := ready_at - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_S))
        with self._lock:
            taken = [self._queue.popleft()[1] for _ in range(min(most, len(self._queue)))]
            self._bytes -= sum(len(arrival.payload) for arrival in taken)
            self._in_hand += len(taken)
            if not self._queue:
                self._arrived.clear()
        self._is_shedding = False
        self._room.set()
        return taken

    def hold(self, number: int) -> None:
        """So many of what was taken are let go without an acknowledgement: they count as shed."""
        with self._lock:
            self._shed += number
            self._in_hand -= number

    def settle(self, *, committed: int, duplicate: int, dead_lettered: int, statuses: int) -> None:
        """What was taken has found its place."""
        counts = (committed, duplicate, dead_lettered, statuses)
        with self._lock:
            self._settled = [a + b for a, b in zip(self._settled, counts, strict=True)]
            self._in_hand -= sum(counts)

    def balance(self) -> Balance:
        with self._lock:
            committed, duplicate, dead_lettered, statuses = self._settled
            return Balance(
                received=self._received,
                committed=committed,
                duplicate=duplicate,
                dead_lettered=dead_lettered,
                statuses=statuses,
                shed=self._shed,
                queue=len(self._queue),
                in_hand=self._in_hand,
            )

    def _is_full(self) -> bool:
        return len(self._queue) >= self._max_messages or self._bytes >= self._max_bytes

    def _wait_for_room(self) -> bool:
        if self._is_shedding:
            return False
        deadline = time.monotonic() + self._hold_s
        while self._is_full():
            self._room.clear()
            if not self._room.wait(max(0.0, deadline - time.monotonic())):
                self._is_shedding = self._is_full()
                return not self._is_shedding
        return True
