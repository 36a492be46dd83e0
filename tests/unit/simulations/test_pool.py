"""Jobs in processes of their own."""

import os

from citybrain.errors import ConfigError
from simulations.pool import Outcome, Progress, run_jobs

DIE, REFUSE, BREAK = -1, -2, -3


def work(job: int, tell: Progress) -> int:
    if job == DIE:
        os._exit(3)
    if job == REFUSE:
        raise ConfigError("the file is not there")
    if job == BREAK:
        raise ValueError("seven")
    tell(float(job))
    return job * job


def test_a_job_that_fails_or_dies_loses_no_other_and_says_why() -> None:
    told: dict[int, float] = {}
    outcomes: dict[int, Outcome[int]] = {
        outcome.index: outcome for outcome in run_jobs([5, DIE, REFUSE, BREAK, 7], work, 2, told.__setitem__)
    }
    assert {index: outcome.result for index, outcome in outcomes.items()} == {
        0: 25, 1: None, 2: None, 3: None, 4: 49,
    }  # fmt: skip
    assert outcomes[1].reason == "its process ended with code 3"
    assert outcomes[2].reason == "the file is not there"
    assert outcomes[3].reason == "ValueError: seven"
    assert told == {0: 5.0, 4: 7.0}
