"""Several emergency runs, each in a process of its own, because libsumo holds one simulation per process."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.managers import ValueProxy

from simulations.emergency import EmergencyResult, EmergencyRun, run_emergency

POLL_S = 0.2
_REPORT_S = 0.5


def run_all(
    runs: Sequence[EmergencyRun], jobs: int, progress: Callable[[float], None]
) -> Iterator[EmergencyResult]:
    """The results in the order of the runs, `jobs` at a time; `progress` gets the seconds done in all.

    Raises:
        ConfigError: as `run_emergency`; what is under way is given up.
    """
    context = multiprocessing.get_context("spawn")
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool,
    ):
        done = [manager.Value("d", 0.0) for _ in runs]
        futures = [pool.submit(_run, run, seconds) for run, seconds in zip(runs, done, strict=True)]
        try:
            _await(futures, done, progress)
            yield from [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


def _await(
    futures: list[Future[EmergencyResult]],
    done: Sequence[ValueProxy[float]],
    progress: Callable[[float], None],
) -> None:
    """Until all are done or one has failed."""
    left = set(futures)
    while left:
        finished, left = wait(left, POLL_S, FIRST_COMPLETED)
        progress(sum(seconds.value for seconds in done))
        if any(future.exception() for future in finished):
            return


def _run(run: EmergencyRun, seconds: ValueProxy[float]) -> EmergencyResult:
    told = 0.0

    def tell(done: float) -> None:
        nonlocal told
        if time.monotonic() - told >= _REPORT_S or done >= run.seconds:
            told = time.monotonic()
            seconds.value = done

    return run_emergency(run, tell)
