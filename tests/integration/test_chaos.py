"""Nothing lost, nothing twice, whatever dies: a short seeded run of `bench.chaos`, every class of fault."""

import pytest

from bench.chaos.faults import KILLS, TROUBLES, plan
from bench.chaos.run import run

SEED = 20


@pytest.mark.timeout(600)
def test_whatever_dies_nothing_is_lost_doubled_altered_or_out_of_order() -> None:
    print("seed", SEED)
    report = run(seconds=20, devices=6, processes=2, kills=len(KILLS), seed=SEED)
    verdict = report.verdict
    assert {kind.kind for kind in report.kinds} >= TROUBLES.keys(), "every class of trouble was inflicted"
    assert report.kills >= len(KILLS)
    assert verdict.lost == []
    assert verdict.duplicated == []
    assert verdict.altered == []
    assert verdict.foreign == []
    assert verdict.out_of_order == 0
    assert verdict.unbalanced == verdict.late_watermarks == []
    assert report.settled_s is not None, "the spools never became empty"
    assert verdict.stored >= verdict.durable > 0


def test_one_seed_makes_one_plan_with_each_kind_in_it() -> None:
    import random

    first, again = (plan(600, 110, random.Random(SEED)) for _ in range(2))
    assert first == again
    kinds = [fault.kind for fault in first]
    assert set(kinds) == {*KILLS, *TROUBLES}
    assert sum(kind in KILLS for kind in kinds) == 110
    assert all(0 <= fault.after_s <= 600 for fault in first)
