"""The local plan: phases in order, each for its split, from wherever it takes over."""

from edge.plan import remaining_s, split_s, wanted_phase
from edge.safety import SafetyGuard
from tests.unit.edge.configs import crossroads, phase


def test_a_phase_keeps_its_green_for_its_split_and_then_the_next_is_wanted() -> None:
    config = crossroads()
    assert wanted_phase(config, 0, 19.9) == 0
    assert wanted_phase(config, 0, 20.0) == 1
    assert wanted_phase(config, 2, 20.0) == 0
    assert remaining_s(config, 1, 3.0) == 5.0


def test_a_split_stays_within_minimum_and_maximum_green() -> None:
    config = crossroads(phases=[phase("GgGrr", 7.0, 3.0), phase("rrrGG", 7.0, 99.0)])
    assert (split_s(config, 0), split_s(config, 1)) == (7.0, 60.0)


def test_the_plan_serves_every_phase_in_each_cycle() -> None:
    config = crossroads()
    guard = SafetyGuard(config, "GgGrr")
    seen: list[int] = []
    for second in range(200):
        shown = guard.step(float(second))
        if shown.interval == "green":
            guard.request(wanted_phase(config, shown.phase, shown.elapsed_s), float(second))
        if not seen or seen[-1] != shown.phase:
            seen.append(shown.phase)
    assert seen[:7] == [0, 1, 2, 0, 1, 2, 0]
