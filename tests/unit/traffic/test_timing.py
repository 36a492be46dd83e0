from hypothesis import given
from hypothesis import strategies as st

from citybrain.conflicts import GREEN
from citybrain.messages import Interval
from citybrain.rules import Rules, rules_of
from tests.fixtures.crossing import crossing
from traffic.timing import SignalTimer

PHASES = ("GgrrGgrr", "rrGgrrGg", "rGrrrGrr", "rrrGrrrG")


def shown(rules: Rules, interval: Interval) -> str:
    """What is shown between phase 0 and phase 1."""
    return rules.shown(rules.change(rules.phases[0], 1), interval, 0.0)


def timer(all_red_s: float = 1.0) -> SignalTimer:
    return SignalTimer(rules_of(crossing(phases=PHASES, all_red_s=all_red_s)))


def test_a_change_takes_yellow_and_all_red() -> None:
    rules = rules_of(crossing())
    assert rules.change_s(0, 1) == 4.0
    assert shown(rules, Interval.YELLOW) == "yyrryyrr"
    assert shown(rules, Interval.ALL_RED) == "rrrrrrrr"


def test_who_keeps_its_green_is_not_interrupted() -> None:
    rules = rules_of(crossing(phases=("GgrrGgrr", "GgrrrrrG")))
    assert shown(rules, Interval.YELLOW) == "Ggrryyrr"


def test_a_phase_that_only_adds_green_needs_no_clearing() -> None:
    assert rules_of(crossing(phases=("GgrrGrrr", "GgrrGgrr"))).change_s(0, 1) == 0.0


def test_without_all_red_a_left_that_goes_on_permissive_is_still_red_in_between() -> None:
    rules = rules_of(crossing(phases=PHASES, all_red_s=0.0))
    assert rules.change_s(2, 0) == 4.0
    signal = SignalTimer(rules, 2)
    for _ in range(5):
        signal.step(2)
    seen = []
    for _ in range(5):
        signal.step(0)
        seen.append(signal.indications[1])
    assert seen == ["y", "y", "y", "r", "g"]


@given(
    wishes=st.lists(st.integers(0, 3), min_size=1, max_size=120), all_red_s=st.sampled_from([0.0, 1.0, 2.0])
)
def test_whatever_is_wished_greens_last_their_minimum_and_never_conflict(
    wishes: list[int], all_red_s: float
) -> None:
    config = crossing(phases=PHASES, all_red_s=all_red_s)
    signal = SignalTimer(rules_of(config))
    before, green_s = signal.indications, [100.0] * 8
    red_s = [100.0] * 8
    for wish in wishes:
        signal.step(wish)
        shown = signal.indications
        for movement, (was, now) in enumerate(zip(before, shown, strict=True)):
            if was in GREEN and now not in GREEN:
                assert now == "y", "green ends with yellow"
                assert green_s[movement] >= 5.0
            assert not (was == "y" and now in GREEN)
            green_s[movement] = green_s[movement] + 1 if now in GREEN else 0.0
            red_s[movement] = red_s[movement] + 1 if now == "r" else 0.0
            if now in GREEN:
                for foe in config.movements[movement].foes:
                    yields = foe in config.movements[movement].yields_to
                    yielded_to = movement in config.movements[foe].yields_to
                    assert yields or yielded_to or shown[foe] not in {*GREEN, "y"}
                    if was not in GREEN and before[foe] == "r" and not (yields or yielded_to):
                        assert red_s[foe] >= all_red_s
        before = shown
