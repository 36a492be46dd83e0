"""Region agents as actors on Ray; the only module of this room that knows Ray."""

import logging
import os
from typing import Any

import ray
import structlog
from ray.exceptions import GetTimeoutError, RayActorError

from citybrain import log as logs
from citybrain.config import Settings
from citybrain.errors import Unavailable
from traffic.agent import RegionAgent

log = structlog.get_logger()

PATIENCE_S = 10.0
"""An actor that does not answer within it is taken for dead."""
_LOCAL_OBJECT_STORE_BYTES = 100_000_000


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
                found.append(ray.get(actor.figures.remote(), timeout=PATIENCE_S))
            except (RayActorError, GetTimeoutError) as error:
                log.warning("region_died", region=index, reason=type(error).__name__)
                ray.kill(actor)
                self._actors[index] = self._actor(index)
                self.restarts += 1
        return found

    def stop(self) -> None:
        """Let every region say goodbye, and leave the cluster."""
        for actor in self._actors:
            try:
                ray.get(actor.stop.remote(), timeout=PATIENCE_S)
            except (RayActorError, GetTimeoutError) as error:
                log.warning("region_stop_failed", reason=type(error).__name__)
            ray.kill(actor)
        ray.shutdown()

    def _actor(self, index: int) -> Any:
        # It waits for messages most of the time: reserving a core for it would starve vision on a laptop.
        kind = ray.remote(num_cpus=0, max_restarts=0)(RegionActor)
        return kind.remote(self._settings, index, self._count)


def connect(settings: Settings) -> None:
    """Join Ray; does nothing where this process has joined already."""
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    if ray.is_initialized():
        return
    address = settings.ray.address or os.environ.get("RAY_ADDRESS", "")
    try:
        if address:
            ray.init(address=address, namespace="citybrain", logging_level=logging.WARNING)
        else:
            os.environ.setdefault("RAY_AUTH_MODE", "disabled")
            ray.init(
                namespace="citybrain",
                include_dashboard=False,
                object_store_memory=_LOCAL_OBJECT_STORE_BYTES,
                logging_level=logging.WARNING,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"at {address}" if address else "on this machine"
        raise Unavailable(f"no Ray cluster {where}: {error}; check ray.address or RAY_ADDRESS") from error
