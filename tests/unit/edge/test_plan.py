"""The local plan: phases in order, each for its split, from wherever it takes over."""

from citybrain.rules import rules_of
from edge.plan import remaining_s, split_s, wanted_phase
from edge.safety import SafetyGuard
from tests.unit.edge.configs import crossroads, phase


def test_a_phase_keeps_its_green_for_its_split_and_then_the_next_is_wanted() -> None:
    config = crossroads()
    rules = rules_of(config)
    assert wanted_phase(config, rules, 0, 19.9) == 0
    assert wanted_phase(config, rules, 0, 20.0) == 1
    assert wanted_phase(config, rules, 2, 20.0) == 0
    assert remaining_s(config, 1, 3.0) == 5.0


def test_a_phase_without_a_split_is_left_out_of_the_plan() -> None:
    config = crossroads(phases=[phase("GgGrr"), phase("GGrrr", 5.0, 0.0), phase("rrrGG")])
    rules = rules_of(config)
    assert wanted_phase(config, rules, 0, 20.0) == 2
    assert wanted_phase(config, rules, 1, 5.0) == 2


def test_a_split_stays_within_minimum_and_maximum_green() -> None:
    config = crossroads(phases=[phase("GgGrr", 7.0, 3.0), phase("rrrGG", 7.0, 99.0)])
    assert (split_s(config, 0), split_s(config, 1)) == (7.0, 60.0)


def test_the_plan_serves_every_phase_in_each_cycle() -> None:
    config = crossroads()
    guard = SafetyGuard(config, "GgGrr")
    seen: list[int] = []
    for second in range(200):
        shown = guard.step(float(second))
        if shown.interval == "green" and shown.phase == shown.next_phase:
            wanted = wanted_phase(config, guard.rules, shown.phase, shown.elapsed_s)
            guard.request(wanted, float(second))
        if not seen or seen[-1] != shown.phase:
            seen.append(shown.phase)
    assert seen[:7] == [0, 1, 2, 0, 1, 2, 0]
