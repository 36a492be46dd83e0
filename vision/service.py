"""`citybrain run vision`: keeps the camera groups alive and tells them who is there."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from citybrain.config import Settings
from citybrain.messages import Health
from citybrain.presence import HEARTBEAT_S, Presence
from citybrain.stopping import stop_on_signals

log = structlog.get_logger()

LOOK_S = 0.5
STALLED_S = 30.0
START_LIMIT_S = 180.0
MAX_BACKOFF_S = 30.0
HEALTHY_S = 60.0
"""An actor that lived this long failed by chance; its backoff starts anew."""


class Actor(Protocol):
    """A camera group as `vision.cluster.Handle` shows it; its calls raise `vision.cluster.Gone`."""

    def started(self) -> bool: ...
    def idle_s(self) -> float: ...
    def assign(self, groups: Sequence[str]) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


Spawn = Callable[[str, Sequence[str]], Actor]


@dataclass(slots=True)
class _Place:
    """One group's place in the fleet, with or without an actor in it."""

    name: str
    actor: Actor | None = None
    serves: bool = False
    born_s: float = 0.0
    failures: int = 0
    next_try_s: float = 0.0
    reason: str = ""


class Fleet:
    """The groups: each has an actor or gets a new one; those that serve share the cameras."""

    def __init__(self, names: Sequence[str], spawn: Spawn, gone: type[Exception]) -> None:
        self._places = [_Place(name) for name in names]
        self._spawn = spawn
        self._gone = gone
        self._told: list[str] = []
        self.restarts = 0

    @property
    def serving(self) -> list[str]:
        """Names of the groups that serve."""
        return [place.name for place in self._places if place.serves]

    @property
    def faults(self) -> list[str]:
        """One sentence for each group that does not serve."""
        return [f"{place.name}: {place.reason or 'starting'}" for place in self._places if not place.serves]

    def look(self, now_s: float) -> None:
        """Check each actor, replace the dead, and let the living share the cameras anew if that changed."""
        for place in self._places:
            try:
                self._check(place, now_s)
            except self._gone as error:
                self._bury(place, str(error), now_s)
        if self.serving != self._told:
            self._share(now_s)

    def stop(self) -> None:
        """End all actors."""
        for place in self._places:
            if place.actor is not None:
                place.actor.stop()

    def _check(self, place: _Place, now_s: float) -> None:
        if place.actor is None:
            if now_s >= place.next_try_s:
                place.born_s = now_s
                place.actor = self._spawn(place.name, sorted({*self.serving, place.name}))
        elif not place.serves:
            place.serves = place.actor.started()
            if not place.serves and now_s - place.born_s > START_LIMIT_S:
                raise self._gone(
                    f"did not start within {START_LIMIT_S:g} s; is a core free on the Ray cluster?"
                )
        elif place.actor.idle_s() > STALLED_S:
            raise self._gone(f"it has done nothing for {STALLED_S:g} s")

    def _bury(self, place: _Place, reason: str, now_s: float) -> None:
        log.warning("group_lost", group=place.name, reason=reason)
        if place.actor is not None:
            place.actor.kill()
        lived_s = now_s - place.born_s
        place.failures = 1 if place.serves and lived_s > HEALTHY_S else place.failures + 1
        # The first time at once: a city should not wait for a pause that protects from crash loops.
        pause_s = 0.0 if place.failures == 1 else min(2.0 ** (place.failures - 2), MAX_BACKOFF_S)
        place.actor, place.serves, place.reason = None, False, reason
        place.next_try_s = now_s + pause_s
        self.restarts += 1

    def _share(self, now_s: float) -> None:
        serving = self.serving
        for place in self._places:
            if place.actor is not None and place.serves:
                try:
                    place.actor.assign(serving)
                except self._gone as error:
                    self._bury(place, str(error), now_s)
        self._told = serving
        log.info("groups_share_cameras", serving=serving)


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        Unavailable: no broker or no Ray; whoever supervises starts this again.
    """
    serve(settings, stop_on_signals())


def serve(settings: Settings, stopping: threading.Event) -> None:
    """Keep the groups alive until `stopping` is set."""
    from vision import cluster

    presence = Presence(settings, "service/vision")
    presence.bus.start()
    try:
        presence.report(Health.STARTING, "connecting to Ray")
        cluster.connect(settings)
        names = [f"group{number}" for number in range(1, settings.vision.groups + 1)]
        fleet = Fleet(names, lambda name, groups: cluster.Handle(settings, name, groups), cluster.Gone)
        try:
            _keep(fleet, presence, stopping)
        finally:
            fleet.stop()
            cluster.disconnect()
    finally:
        presence.leave()


def _keep(fleet: Fleet, presence: Presence, stopping: threading.Event) -> None:
    told: tuple[Health, str] | None = None
    told_s = 0.0
    while not stopping.wait(LOOK_S):
        now_s = time.monotonic()
        fleet.look(now_s)
        faults = fleet.faults
        # A first start is no fault; without any group that serves, nobody looks.
        health = Health.OK if not faults else Health.DEGRADED if fleet.serving else Health.STARTING
        state = (health, "; ".join(faults) or f"{len(fleet.serving)} camera groups")
        if state != told or now_s - told_s > HEARTBEAT_S / 2:
            figures = {"groups": float(len(fleet.serving)), "restarts": float(fleet.restarts)}
            presence.report(*state, figures=figures)
            told, told_s = state, now_s
