"""The thread that carries all letters of a process: to disk, then to the broker, again until acknowledged.

What is posted within `GATHER_S` shares one transaction. Live letters go first; the backlog (never sent, or
not acknowledged in time) follows oldest first at a bounded rate, a window at a time, and the window moves
on with each acknowledgement; without any, it shrinks and the pause grows up to `MAX_PAUSE_S`.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from citybrain.codec import decode, encode
from citybrain.errors import ContractError, Unavailable
from citybrain.messages import Stored
from edge.spool import Ack, Gap, Letter, Spool

log = structlog.get_logger()

GATHER_S = 0.03
LOOK_S = 0.25
RESEND_S = 5.0
MAX_PAUSE_S = 60.0
WINDOW = 200
PROBE = 20
"""The window while nobody acknowledges."""
BURST = 25
"""Backlog letters of one device in one look: 100 a second."""
HISTORICAL_S = 60.0
MAX_POSTED = 20_000
MAX_UNWRITTEN = 5_000

GAPS_AT_ONCE = 50

Publish = Callable[[str, bytes], bool]
Announce = Callable[[Gap], bool]
"""Tells what was given up; False while there is no connection."""


@dataclass(slots=True)
class _Round:
    """How far a device's backlog has been delivered."""

    publish: Publish
    announce: Announce
    announced_at: float = -MAX_PAUSE_S
    pause_s: float = RESEND_S
    window: int = PROBE
    unanswered: int = 0
    sent_at: float = 0.0
    is_open: bool = True
    """Whether letters may be sent before `pause_s` has passed since `sent_at`."""


class Postman:
    """Carries letters between the spool and the broker. `start`, `enlist` devices, `post`, `stop`."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._rounds: dict[str, _Round] = {}
        self._letters: list[tuple[Letter, Publish]] = []
        self._unwritten: list[Letter] = []
        """Live letters that went out while the disk was full; written as soon as it is not."""
        self._acks: list[Ack] = []
        self._condition = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)
        self.is_failing = False
        """Whether letters go out now without lying on disk, because it is full or gone."""
        self.lost = 0
        """Letters given up before they reached the disk; the spool tells them as gaps."""

    @property
    def dropped(self) -> int:
        """Letters lost for any reason since the start."""
        return self.lost + self._spool.dropped

    @property
    def spool_bytes(self) -> int:
        """What lies on the disk, about."""
        return self._spool.bytes

    def start(self) -> "Postman":
        self._thread.start()
        return self

    def stop(self) -> None:
        """Write what is posted, and end."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()
        self._spool.close()

    def enlist(self, device: str, publish: Publish, announce: Announce = lambda _: False) -> None:
        """Deliver for `device` by `publish(topic, payload)`, which is False while there is no connection."""
        with self._condition:
            self._rounds[device] = _Round(publish, announce)

    def post(self, letter: Letter, publish: Publish) -> None:
        """Keep `letter` on disk, then `publish` it."""
        with self._condition:
            if len(self._letters) >= MAX_POSTED:
                self.lost += 1
                return
            self._letters.append((letter, publish))
            self._condition.notify()

    def acknowledge(self, ack: Ack) -> None:
        """Forget what is stored, and send more of the backlog."""
        with self._condition:
            self._acks.append(ack)
            if round_ := self._rounds.get(ack.device):
                round_.unanswered, round_.pause_s, round_.window, round_.is_open = 0, RESEND_S, WINDOW, True

    def reconnected(self, device: str) -> None:
        """Send the backlog of `device` now."""
        with self._condition:
            if round_ := self._rounds.get(device):
                round_.unanswered, round_.pause_s, round_.is_open = 0, RESEND_S, True
                round_.announced_at = -MAX_PAUSE_S

    def waiting(self, device: str) -> int:
        """Letters of `device` on disk."""
        return self._spool.waiting(device)

    def _run(self) -> None:
        next_look = 0.0
        while True:
            with self._condition:
                if not self._letters and not self._stopping:
                    self._condition.wait(LOOK_S)
                stopping, has_letters = self._stopping, bool(self._letters)
            if has_letters and not stopping:
                time.sleep(GATHER_S)
            with self._condition:
                letters, self._letters = self._letters, []
                acks, self._acks = self._acks, []
            self._carry(letters, acks)
            if stopping:
                return
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_S
                self._look()

    def _carry(self, letters: list[tuple[Letter, Publish]], acks: list[Ack]) -> None:
        if not letters and not acks and not self._unwritten:
            return
        live = [letter for letter, _ in letters]
        try:
            self._spool.write([*self._unwritten, *live], acks)
            self.is_failing, self._unwritten = False, []
        except Unavailable as error:
            self.is_failing = True
            log.error("spool_failed", reason=str(error), letters=len(live))  # noqa: TRY400 - the sentence says it
            self._hold(live, acks, error)
        unsent = [letter for letter, publish in letters if not publish(letter.topic, letter.payload)]
        if not self.is_failing:
            self._note_sent(unsent, 0.0)

    def _hold(self, live: list[Letter], acks: list[Ack], error: Unavailable) -> None:
        """Keep in memory what the disk did not take, as much as there is room for."""
        if isinstance(error.__cause__, sqlite3.IntegrityError):
            self.lost += len(live)  # two of the same number: they would fail for ever
            return
        with self._condition:
            self._acks[:0] = acks
        held = [letter._replace(sent_s=0.0) for letter in (*self._unwritten, *live)]
        self.lost += max(0, len(held) - MAX_UNWRITTEN)
        self._unwritten = held[-MAX_UNWRITTEN:]

    def _note_sent(self, letters: list[Letter], now_s: float) -> None:
        if not letters:
            return
        try:
            self._spool.mark_sent(letters, now_s)
        except Exception:
            log.exception("spool_failed")  # they are sent once more, and stored once

    def _look(self) -> None:
        with self._condition:
            rounds = list(self._rounds.items())
        for device, round_ in rounds:
            try:
                if self._spool.waiting(device):
                    self._resend(device, round_)
                self._announce(device, round_)
            except Exception:
                log.exception("resend_failed", device=device)
        if self._unwritten:
            self._carry([], [])

    def _announce(self, device: str, round_: _Round) -> None:
        """Tell what was given up, again and again until an acknowledgement covers it."""
        now = time.monotonic()
        if now < round_.announced_at + round_.pause_s:
            return
        gaps = self._spool.gaps(device, GAPS_AT_ONCE)
        round_.announced_at = now
        for gap in gaps:
            if not round_.announce(gap):
                return

    def _resend(self, device: str, round_: _Round) -> None:
        now = time.monotonic()
        if now >= round_.sent_at + round_.pause_s and round_.unanswered:
            round_.unanswered, round_.window, round_.is_open = 0, PROBE, True
            round_.pause_s = min(2 * round_.pause_s, MAX_PAUSE_S)
        room = min(BURST, round_.window - round_.unanswered)
        if not round_.is_open or room <= 0:
            return
        now_s = time.time()
        sent = []
        for letter in self._spool.due(device, now_s - round_.pause_s, room):
            if not round_.publish(letter.topic, _aged(letter, now_s)):
                break
            sent.append(letter)
        if sent:
            round_.unanswered += len(sent)
            round_.sent_at = now
            round_.is_open = round_.unanswered < round_.window
            self._note_sent(sent, now_s)


def _aged(letter: Letter, now_s: float) -> bytes:
    """The payload, marked as historical where it is."""
    if now_s - letter.at_s <= HISTORICAL_S:
        return letter.payload
    try:
        message = decode(letter.payload)
    except ContractError:
        return letter.payload  # ingest will say what is wrong with it
    assert isinstance(message, Stored)
    return encode(msgspec.structs.replace(message, is_historical=True))
