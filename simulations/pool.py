"""Jobs in processes of their own, a few at a time: one that fails or dies takes no other with it."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from citybrain.errors import CityBrainError

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[float], None]
Work = Callable[[T, Progress], R]

TELL_S = 0.2
"""Wall seconds between two words on a job's progress."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """What became of a job: its result, or the reason why there is none."""

    index: int
    result: R | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Process:
    index: int
    process: SpawnProcess
    said: Connection


def run_jobs(
    jobs: Sequence[T],
    work: Callable[[T, Progress], R],
    workers: int,
    progress: Callable[[int, float], None],
) -> Iterator[Outcome[R]]:
    """Do `work(job, tell)` for every job, `workers` at a time, in spawned processes; outcomes as they come.

    `work` is a module's function; job and result are pickled. What a job tells comes to `progress` with its
    index. Whoever stops iterating ends the processes that still run.
    """
    todo = list(enumerate(jobs))[::-1]
    running: list[_Process] = []
    try:
        while todo or running:
            while todo and len(running) < workers:
                running.append(_start(*todo.pop(), work))
            ready = wait([one.said for one in running])
            for one in [one for one in running if one.said in ready]:
                outcome: Outcome[R] | None = _hear(one, progress)
                if outcome is not None:
                    running.remove(one)
                    yield outcome
    finally:
        for one in running:
            one.process.terminate()
            one.process.join()


def _start(index: int, job: Any, work: Callable[[Any, Progress], Any]) -> _Process:
    context = multiprocessing.get_context("spawn")
    said, tells = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, job, tells), daemon=True)
    process.start()
    tells.close()
    return _Process(index, process, said)


def _hear(one: _Process, progress: Callable[[int, float], None]) -> Outcome[Any] | None:
    try:
        word, value = one.said.recv()
    except EOFError:
        one.process.join()
        return Outcome(one.index, None, f"its process ended with code {one.process.exitcode}")
    if word == "progress":
        progress(one.index, value)
        return None
    one.process.join()
    one.said.close()
    return Outcome(one.index, value) if word == "done" else Outcome(one.index, None, value)


def _work(work: Callable[[Any, Progress], Any], job: Any, tells: Connection) -> None:
    """In the new process."""
    told = 0.0

    def tell(value: float) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_S:
            told = time.monotonic()
            tells.send(("progress", value))

    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            tells.send(("done", work(job, tell)))
        except CityBrainError as error:
            tells.send(("failed", str(error)))
        except Exception as error:
            tells.send(("failed", f"{type(error).__name__}: {error}"))
