"""Camera groups as actors on Ray; the only module of vision that knows Ray."""

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from citybrain import log
from citybrain.config import Settings
from citybrain.rayconnect import connect, disconnect, ray
from vision.agent import GroupAgent

CPUS_PER_GROUP = 0.5
"""What is reserved, not a limit: a machine with two cores runs everything, the optimiser too."""
START_S = 60.0
ANSWER_S = 10.0


BEHIND_SIGNALS = 5
"""Niceness: on a busy machine signals are timed first, and pictures wait."""


class Group:
    """Runs inside an actor's process."""

    def __init__(self, settings: Settings, name: str) -> None:
        from vision.detector import load_detector

        log.configure(f"vision/{name}")
        os.nice(BEHIND_SIGNALS)
        self._agent = GroupAgent(settings, name, lambda: load_detector(settings.vision.model or None))

    def start(self, groups: list[str]) -> int:
        """Connect and serve; the process id."""
        self._agent.start(groups)
        return os.getpid()

    def assign(self, groups: list[str]) -> None:
        self._agent.assign(groups)

    def idle_s(self) -> float:
        return self._agent.idle_s()

    def stop(self) -> None:
        self._agent.stop()


class Handle:
    """One actor, from outside. Every call may raise `Gone`."""

    def __init__(self, settings: Settings, name: str, groups: Sequence[str]) -> None:
        # An actor of its own process that nobody restarts behind our back: the service does, with backoff.
        remote: Any = ray.remote(Group)
        options: dict[str, Any] = {"num_cpus": CPUS_PER_GROUP, "max_restarts": 0, "max_concurrency": 4}
        # Over the nodes, so that one that goes takes as few cameras along as can be.
        options["scheduling_strategy"] = "SPREAD"
        self._actor = remote.options(**options).remote(settings, name)
        self._starting: Any = self._actor.start.remote(list(groups))
        self._pid: int | None = None

    def started(self) -> bool:
        """Whether it serves by now."""
        if self._pid is None:
            ready, _ = ray.wait([self._starting], timeout=0)
            if not ready:
                return False
            self._pid = int(_result(self._starting, START_S))
        return True

    @property
    def pid(self) -> int | None:
        """On the machine where Ray put it."""
        return self._pid

    def idle_s(self) -> float:
        return float(_result(self._actor.idle_s.remote(), ANSWER_S))

    def assign(self, groups: Sequence[str]) -> None:
        _result(self._actor.assign.remote(list(groups)), ANSWER_S)

    def stop(self) -> None:
        """End it: politely, then by force."""
        with contextlib.suppress(Gone):
            _result(self._actor.stop.remote(), ANSWER_S)
        self.kill()

    def kill(self) -> None:
        ray.kill(self._actor, no_restart=True)


class Gone(Exception):
    """The actor died or does not answer; the text is why."""


def _result(reference: Any, timeout_s: float) -> Any:
    try:
        return ray.get(reference, timeout=timeout_s)
    except ray.exceptions.RayActorError as error:
        raise Gone(f"its process ended: {str(error).strip().splitlines()[0][:200]}") from error
    except ray.exceptions.GetTimeoutError as error:
        raise Gone(f"no answer for {timeout_s:g} s") from error
    except ray.exceptions.RayTaskError as error:
        raise Gone(str(error.cause)[:300]) from error


__all__ = ["Gone", "Group", "Handle", "connect", "disconnect"]
