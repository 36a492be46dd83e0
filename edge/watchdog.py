"""The watchdog of one signal: a process of its own that acts on the cabinet when its agent is silent.

It knows nothing of the agent but a counter that goes on with each tick in which the cabinet was told what to
show: an agent that hangs, has died, or has lost its cabinet is all one. It has its own way to the cabinet.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import structlog

from citybrain.config import Settings
from citybrain.errors import CityBrainError
from citybrain.messages import Health
from citybrain.presence import HEARTBEAT_S, Presence
from edge.beat import read_beat

log = structlog.get_logger()

LOOKS = 20
"""Looks at the counter within the limit."""
EARLY = 0.85
"""Share of the limit after which it acts: what it does must be done when the limit is over."""
REPEAT_S = 1.0


class Fallback(Protocol):
    """What a watchdog can do to a cabinet."""

    def fall_back(self) -> str:
        """Bring it to its own plan or to flash; what was done. Repeated while it is needed."""

    def restore(self) -> None:
        """The agent is alive again."""


class Step(Enum):
    """What is to be done now."""

    NOTHING = auto()
    FALL_BACK = auto()
    RESTORE = auto()


@dataclass(slots=True)
class Vigil:
    """Judges the counter. Pure: times on any monotonic clock, in seconds."""

    limit_s: float
    since_s: float
    last: tuple[int, int] | None = None
    acted_s: float | None = None

    def look(self, beat: tuple[int, int] | None, now_s: float) -> Step:
        """What the counter says at `now_s`."""
        if beat is not None and beat != self.last:
            self.last, self.since_s = beat, now_s
            if self.acted_s is not None:
                self.acted_s = None
                return Step.RESTORE
            return Step.NOTHING
        if now_s - self.since_s < self.limit_s:
            return Step.NOTHING
        if self.acted_s is not None and now_s - self.acted_s < REPEAT_S:
            return Step.NOTHING
        self.acted_s = now_s
        return Step.FALL_BACK


class Watchdog:
    """Watches the beat at `path`; `run` until told to stop."""

    def __init__(self, settings: Settings, intersection: str, path: Path, fallback: Fallback) -> None:
        self._path = path
        self._fallback = fallback
        self._limit_s = settings.edge.watchdog_s
        self._presence = Presence(settings, f"service/watchdog-{intersection}"[:72])
        self._log = log.bind(intersection=intersection)
        self._state = ""
        self._reported_s = 0.0
        self._trips = 0

    def run(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        """Watch until `stop`; the broker may be away all the time."""
        self._presence.bus.start(timeout_s=None)
        vigil = Vigil(EARLY * self._limit_s, clock(), read_beat(self._path))
        self._log.info("watchdog_watches", limit_s=self._limit_s)
        while not stop.wait(self._limit_s / LOOKS):
            step = vigil.look(read_beat(self._path), clock())
            if step is Step.FALL_BACK:
                self._fall_back()
            elif step is Step.RESTORE:
                self._restore()
            self._report(clock())
        self._presence.leave()

    def _fall_back(self) -> None:
        if not self._state:
            self._trips += 1
            self._reported_s = 0.0
            self._log.error("agent_silent", after_s=self._limit_s)
        try:
            done = self._fallback.fall_back()
        except CityBrainError as error:
            done = f"nothing could be done: {error}"
        if done != self._state:
            self._log.error("watchdog_acts", done=done)
        self._state = done

    def _restore(self) -> None:
        self._log.info("agent_alive")
        self._state, self._reported_s = "", 0.0
        try:
            self._fallback.restore()
        except CityBrainError as error:
            self._log.warning("restore_failed", reason=str(error))

    def _report(self, now_s: float) -> None:
        if self._reported_s and now_s - self._reported_s < HEARTBEAT_S:
            return
        self._reported_s = now_s
        health = Health.DEGRADED if self._state else Health.OK
        detail = f"the agent is silent: {self._state}" if self._state else "the agent is alive"
        self._presence.report(health, detail, figures={"trips": float(self._trips)})
