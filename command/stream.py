"""Server-sent events for many clients: one encoding a batch, a ring to resume from, bounded queues.

An event's id is `<start>-<number>`; `start` is when this server started, in ms, so that an id of another
start is known as such. A client that cannot be given what it missed is told `reset` and fetches anew.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import msgspec
from starlette.responses import StreamingResponse

RING_EVENTS = 2_000
RING_BYTES = 16_000_000
QUEUE_EVENTS = 200
HEARTBEAT_S = 10.0
RETRY_MS = 1_000
RESET = "reset"

_encoder = msgspec.json.Encoder()
_EVENT_ID = re.compile(r"(\d{1,15})-(\d{1,15})", re.ASCII)


def within(channel: str, district: str) -> str:
    """What those listen to who see one district of a channel only; they are told it by the channel's name."""
    return f"{channel}@{district}"


@dataclass(frozen=True, slots=True)
class Event:
    number: int
    channel: str
    """What its listeners joined: a channel, or one district of it."""
    wire: bytes


class Client:
    """One listener; what it has not read yet is bounded: beyond that it is told to start over."""

    def __init__(self, channels: Iterable[str], limit: int = QUEUE_EVENTS) -> None:
        self.channels = frozenset(channels) | {RESET}
        self._limit = limit
        self._waiting = 0
        self._queue: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self._closed = False

    def put(self, event: Event, reset: bytes) -> bool:
        """Queue an event; False where the queue was full and `reset` replaced all of it."""
        if event.channel not in self.channels:
            return True
        fits = self._waiting < self._limit
        if not fits:
            self._queue.clear()
            self._waiting = 0
        self._waiting += 1
        self._queue.append(event.wire if fits else reset)
        self._ready.set()
        return fits

    def greet(self, wires: Iterable[bytes]) -> None:
        """What comes first: the replay of what was missed is bounded by the ring, not by the queue."""
        self._queue.extend(wires)
        self._ready.set()

    def close(self) -> None:
        self._closed = True
        self._ready.set()

    async def read(self, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[bytes]:
        """Bytes for the wire until closed; a comment where nothing happened for `heartbeat_s`."""
        while True:
            if self._queue:
                pieces = b"".join(self._queue)
                self._queue.clear()
                self._waiting = 0
                yield pieces
                continue
            if self._closed:
                return
            self._ready.clear()
            try:
                await asyncio.wait_for(self._ready.wait(), heartbeat_s)
            except TimeoutError:
                yield b": alive\n\n"


class Hub:
    """Hands each event to every client of its channel. For one event loop."""

    def __init__(self, start_ms: int, ring_events: int = RING_EVENTS, ring_bytes: int = RING_BYTES) -> None:
        self._start_ms = start_ms
        self._number = 0
        self._ring: deque[Event] = deque()
        self._ring_bytes = 0
        self._max_events = ring_events
        self._max_bytes = ring_bytes
        self._clients: set[Client] = set()
        self._closed = False
        self.overruns = 0

    @property
    def clients(self) -> int:
        return len(self._clients)

    def publish(self, channel: str, body: object, district: str | None = None) -> None:
        """Encode `body` once and hand it out; with a district, to those who see that district only."""
        self._number += 1
        wire = self._wire(channel, _encoder.encode(body))
        event = Event(self._number, channel if district is None else within(channel, district), wire)
        self._keep(event)
        reset = self._wire(RESET, b"{}")
        for client in self._clients:
            if not client.put(event, reset):
                self.overruns += 1

    def join(self, channels: Iterable[str], last_event_id: str | None, limit: int = QUEUE_EVENTS) -> Client:
        """A new client, which gets what it missed since `last_event_id`; `leave` it when it goes."""
        client = Client(channels, limit)
        # An id without data: a client that loses the line before its first event can resume too.
        greeting = [f"retry: {RETRY_MS}\nid: {self._start_ms}-{self._number}\n\n".encode()]
        if last_event_id:
            missed = self._since(last_event_id)
            if missed is None:
                greeting.append(self._wire(RESET, b"{}"))
            else:
                greeting[0] = f"retry: {RETRY_MS}\n\n".encode()
                greeting += [event.wire for event in missed if event.channel in client.channels]
        client.greet(greeting)
        self._clients.add(client)
        if self._closed:
            client.close()
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)

    def close(self) -> None:
        """End every stream, also those that come later."""
        self._closed = True
        for client in self._clients:
            client.close()

    def _wire(self, channel: str, data: bytes) -> bytes:
        return b"id: %d-%d\nevent: %b\ndata: %b\n\n" % (self._start_ms, self._number, channel.encode(), data)

    def _keep(self, event: Event) -> None:
        self._ring.append(event)
        self._ring_bytes += len(event.wire)
        while len(self._ring) > self._max_events or (
            self._ring_bytes > self._max_bytes and len(self._ring) > 1
        ):
            self._ring_bytes -= len(self._ring.popleft().wire)

    def _since(self, last_event_id: str) -> list[Event] | None:
        """The events after this id; None where they are not all held or the id is not ours."""
        match = _EVENT_ID.fullmatch(last_event_id)
        if match is None or int(match[1]) != self._start_ms:
            return None
        number = int(match[2])
        oldest = self._ring[0].number if self._ring else self._number + 1
        if number > self._number or number < oldest - 1:
            return None
        return [event for event in self._ring if event.number > number]


class EventStream(StreamingResponse):
    """The answer that reads to one client, who leaves when it ends."""

    def __init__(self, hub: Hub, client: Client) -> None:
        super().__init__(
            _read(hub, client),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )


async def _read(hub: Hub, client: Client) -> AsyncIterator[bytes]:
    try:
        async for piece in client.read():
            yield piece
    finally:
        hub.leave(client)
