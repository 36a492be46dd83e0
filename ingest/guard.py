"""The guard: how much each device may send, and when one that misbehaves is put into quarantine. Pure.

One thread judges while another settles with the database: what changes both ways is held by a lock.

A device is known by its topic, which the broker lets nobody else use; what a payload says of its
sender proves nothing. What comes too quickly is held: it is not acknowledged, so the device's spool sends it
again, later. What comes from quarantine is held as well; a few messages are kept as dead letters, to be seen.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from citybrain.config import Ingest
from ingest.gate import Key

FAULTS_S = 60.0
"""Faults are counted over so long."""
KEPT_LETTERS = 20
"""Messages from quarantine that each worker keeps of a device."""
MAX_DEVICES = 100_000


class Passage(Enum):
    """What becomes of a message before it is read."""

    OPEN = auto()
    HELD = auto()
    """Too many at once: not acknowledged, its spool sends it again."""
    QUARANTINED = auto()
    """Turned away, and kept as a dead letter."""
    TURNED_AWAY = auto()
    """Turned away, and only counted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one device; 0 switches a limit off."""

    rate_per_s: float
    burst: float
    refusals: int
    """Refused messages within `FAULTS_S` that lead into quarantine."""
    replays: int
    """The same for messages that were stored before."""

    @classmethod
    def of(cls, settings: Ingest) -> "Limits":
        rate = settings.device_rate_per_s
        return cls(
            rate, rate * settings.device_burst_s, settings.quarantine_refusals, settings.quarantine_replays
        )


@dataclass(slots=True)
class _Device:
    tokens: float
    filled_at: float
    refusals: deque[float] = field(default_factory=deque)
    replays: deque[tuple[float, int]] = field(default_factory=deque)


class Guard:
    """One worker's guard; all times are seconds of a monotonic clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._quarantine: dict[str, str] = {}
        self._kept: dict[str, int] = {}
        self._new: dict[str, str] = {}
        self._lock = threading.Lock()
        self._turned_away: dict[str, int] = {}
        self.held = 0
        """Messages held for their rate since the start."""
        self.turned_away = 0
        """Messages from quarantine since the start."""

    @property
    def quarantined(self) -> int:
        """Devices in quarantine now."""
        return len(self._quarantine)

    def reason(self, device: str) -> str:
        """Why a device is in quarantine; "" if it is not."""
        return self._quarantine.get(device, "")

    def judge(self, device: str, now_s: float) -> Passage:
        """Whether a message on a topic of `device` may be read."""
        if device in self._quarantine:
            return self._turn_away(device)
        if not self._limits.rate_per_s:
            return Passage.OPEN
        known = self._device(device, now_s)
        earned = (now_s - known.filled_at) * self._limits.rate_per_s
        known.tokens = min(self._limits.burst, known.tokens + earned)
        known.filled_at = now_s
        if known.tokens < 1:
            self.held += 1
            return Passage.HELD
        known.tokens -= 1
        return Passage.OPEN

    def refused(self, device: str, reason: str, now_s: float) -> None:
        """A message of this device broke the contract."""
        if not self._limits.refusals or device in self._quarantine:
            return
        faults = self._device(device, now_s).refusals
        faults.append(now_s)
        while faults[0] < now_s - FAULTS_S:
            faults.popleft()
        if len(faults) >= self._limits.refusals:
            self._enter(
                device, f"{len(faults)} messages refused within {FAULTS_S:.0f} s, the last one: {reason}"
            )

    def replayed(self, keys: Iterable[Key], now_s: float) -> None:
        """These messages had been stored before."""
        if not self._limits.replays:
            return
        counts: dict[str, int] = {}
        for device, _, _ in keys:
            counts[device] = counts.get(device, 0) + 1
        for device, count in counts.items():
            faults = self._device(device, now_s).replays
            faults.append((now_s, count))
            while faults[0][0] < now_s - FAULTS_S:
                faults.popleft()
            total = sum(number for _, number in faults)
            if total >= self._limits.replays and device not in self._quarantine:
                self._enter(device, f"{total} messages replayed within {FAULTS_S:.0f} s")

    def news(self) -> tuple[dict[str, str], dict[str, int]]:
        """Who came into quarantine, with the reason, and how many were turned away, both since last asked."""
        with self._lock:
            told = dict(self._new), dict(self._turned_away)
            self._new, self._turned_away = {}, {}
            return told

    def settle(self, active: Mapping[str, str]) -> None:
        """`active` is the quarantine of all workers, without who was released; who is newer stays in it."""
        with self._lock:
            for device in self._quarantine.keys() - active.keys() - self._new.keys():
                self._devices.pop(device, None)
                self._kept.pop(device, None)
            self._quarantine = dict(active) | self._new

    def unsettled(self, new: Mapping[str, str], turned_away: Mapping[str, int]) -> None:
        """What `news` told could not be written down: it is told again."""
        with self._lock:
            self._new = dict(new) | self._new
            for device, number in turned_away.items():
                self._turned_away[device] = self._turned_away.get(device, 0) + number

    def _enter(self, device: str, reason: str) -> None:
        with self._lock:
            self._quarantine[device] = self._new[device] = reason

    def _turn_away(self, device: str) -> Passage:
        self.turned_away += 1
        with self._lock:
            self._turned_away[device] = self._turned_away.get(device, 0) + 1
        kept = self._kept.get(device, 0)
        if kept >= KEPT_LETTERS:
            return Passage.TURNED_AWAY
        self._kept[device] = kept + 1
        return Passage.QUARANTINED

    def _device(self, device: str, now_s: float) -> _Device:
        known = self._devices.get(device)
        if known is None:
            known = self._devices[device] = _Device(self._limits.burst, now_s)
            if len(self._devices) > MAX_DEVICES:
                self._devices.popitem(last=False)
        return known
