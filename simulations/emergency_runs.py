"""Several emergency runs, each in a process of its own, because libsumo holds one simulation per process."""

from collections.abc import Callable, Sequence

from citybrain.errors import ConfigError
from simulations.emergency import EmergencyResult, EmergencyRun, run_emergency
from simulations.pool import run_jobs


def run_all(
    runs: Sequence[EmergencyRun], jobs: int, progress: Callable[[float], None]
) -> list[EmergencyResult]:
    """The results in the order of the runs, `jobs` at a time; `progress` gets the seconds done in all.

    Raises:
        ConfigError: one of them came to nothing; what is under way is given up.
    """
    done_s = [0.0] * len(runs)
    found: dict[int, EmergencyResult] = {}

    def tell(index: int, seconds: float) -> None:
        done_s[index] = seconds
        progress(sum(done_s))

    for outcome in run_jobs(runs, run_emergency, jobs, tell):
        if outcome.result is None:
            raise ConfigError(outcome.reason)
        found[outcome.index] = outcome.result
        tell(outcome.index, runs[outcome.index].seconds)
    return [found[index] for index in range(len(runs))]
