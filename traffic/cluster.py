"""Region agents as actors on Ray; the only module of this room that knows Ray."""

import time
from typing import Any

import structlog

from citybrain import log as logs
from citybrain.config import Settings
from citybrain.rayconnect import connect, disconnect, ray
from traffic.agent import RegionAgent

log = structlog.get_logger()

PATIENCE_S = 10.0
"""An actor that does not answer within it is taken for dead."""
BIRTH_PATIENCE_S = 180.0
"""For its first answer: a worker starts, and the kernels are compiled where no cache holds them yet."""


class RegionActor:
    """One region in a process of its own; its state is rebuilt from retained configurations."""

    def __init__(self, settings: Settings, index: int, count: int) -> None:
        logs.configure(f"traffic-region-{index}")
        self._agent = RegionAgent(settings, index, count)
        self._agent.start(timeout_s=None)

    def figures(self) -> dict[str, float]:
        return self._agent.figures()

    def stop(self) -> None:
        self._agent.stop()


class Cluster:
    """All regions of a city: started, watched, started again when they die."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._count = settings.traffic.regions
        self._actors: list[Any] = []
        self._births: dict[int, tuple[Any, float]] = {}
        self.restarts = 0

    def start(self) -> None:
        """Join the cluster that the settings or RAY_ADDRESS name, else start one here; start the regions.

        Raises:
            Unavailable: the named cluster does not answer.
        """
        connect(self._settings)
        self._actors = [self._actor(index) for index in range(self._count)]

    def watch(self) -> list[dict[str, float]]:
        """The figures of every living region; dead ones are started again and have none yet."""
        found = []
        for index, actor in enumerate(self._actors):
            try:
                if self._is_born(index):
                    found.append(ray.get(actor.figures.remote(), timeout=PATIENCE_S))
            except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError) as error:
                log.warning("region_died", region=index, reason=type(error).__name__)
                ray.kill(actor)
                self._actors[index] = self._actor(index)
                self.restarts += 1
        return found

    def _is_born(self, index: int) -> bool:
        """Whether the actor has answered for the first time; raises what killed it, or a time-out."""
        if index not in self._births:
            return True
        first, since = self._births[index]
        ready, _ = ray.wait([first], timeout=0)
        if ready or time.monotonic() - since > BIRTH_PATIENCE_S:
            ray.get(first, timeout=0.1)
            del self._births[index]
            return True
        return False

    def stop(self) -> None:
        """Let every region say goodbye, and leave the cluster."""
        for actor in self._actors:
            try:
                ray.get(actor.stop.remote(), timeout=PATIENCE_S)
            except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError) as error:
                log.warning("region_stop_failed", reason=type(error).__name__)
            ray.kill(actor)
        disconnect()

    def _actor(self, index: int) -> Any:
        # It waits for messages most of the time: reserving a core for it would starve vision on a laptop.
        kind: Any = ray.remote(num_cpus=0, max_restarts=0)(RegionActor)
        actor = kind.remote(self._settings, index, self._count)
        self._births[index] = (actor.figures.remote(), time.monotonic())
        return actor
