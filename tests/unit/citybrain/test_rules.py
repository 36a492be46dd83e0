"""The rules of a signal, one by one; see test_signal_rules.py for all of them under random wishes."""

import pytest
from msgspec.structs import replace

from citybrain.errors import ConfigError
from citybrain.inspection import check_config
from citybrain.messages import ApproachLane, Interval, Movement
from citybrain.rules import Standing, dispose, rules_of, yellow_s
from tests.unit.edge.configs import crossroads, phase

NOBODY = [0.0] * 5


def test_yellow_follows_the_approach_speed_within_its_bounds() -> None:
    assert yellow_s(5.0) == 3.0
    assert yellow_s(50 / 3.6) == 3.3
    assert yellow_s(70 / 3.6) == 4.2
    assert yellow_s(40.0) == 5.0


def test_a_phase_with_a_crossing_gives_its_walk() -> None:
    config = crossroads(phases=[phase("GgGrr", 5.0), phase("rrrGG", 5.0)])
    assert rules_of(config).min_green_s == (5.0, 7.0)


def test_vehicles_beside_a_crossing_go_on_while_it_clears() -> None:
    rules = rules_of(crossroads())
    change = rules.change("rrrGG", 0)
    clearance_s = 10.7 / 1.067
    assert change.walk_s == pytest.approx(clearance_s - 3.5)
    assert (change.yellow_s, change.all_red_s) == (3.5, 2.0)
    assert rules.shown(change, Interval.GREEN, 1.0) == "rrrGr"
    assert rules.shown(change, Interval.YELLOW, 1.0) == "rrryr"
    assert change.steps == 7 + 4 + 2


def test_vehicles_without_a_crossing_beside_them_clear_at_once() -> None:
    change = rules_of(crossroads()).change("GgGrr", 2)
    assert (change.walk_s, change.yellow_s, change.all_red_s) == (0.0, 4.0, 2.0)


def test_foreign_indications_end_without_delay() -> None:
    change = rules_of(crossroads()).change("rrGrG", 2)
    assert (change.walk_s, change.clearing) == (0.0, frozenset({2}))


def test_a_crossing_is_recalled_and_never_sooner_than_the_own_cycle_would() -> None:
    assert rules_of(crossroads(crossing_recall_s=100.0), 180.0).max_red_s == (180.0,) * 4 + (100.0,)
    assert rules_of(crossroads(crossing_recall_s=10.0), 180.0).max_red_s[4] == 48.0


def test_a_recalled_crossing_comes_before_what_is_wished() -> None:
    rules = rules_of(crossroads())
    due = Standing(0, 0, False, 20.0, [0.0, 0.0, 0.0, 90.0, 90.0])
    assert dispose(rules, 0, due).phase == 2
    assert dispose(rules, 1, due).refusal == "phase 2 has reached its maximum red and comes first"
    assert dispose(rules, 2, due) == (2, "")
    assert dispose(rules, 1, due._replace(green_s=6.0)).phase == 0, "the minimum green is never cut"


def test_a_maximum_green_ends_only_where_somebody_waits_elsewhere() -> None:
    rules = rules_of(crossroads())
    now = Standing(0, 0, False, 60.0, [0.0, 0.0, 0.0, 30.0, 30.0])
    assert dispose(rules, 0, now) == (0, "")
    assert dispose(rules, 0, now._replace(waiting=frozenset({0}))) == (0, "")
    ended = dispose(rules, 0, now._replace(waiting=frozenset({0, 3})))
    assert ended == (2, "phase 0 has reached its maximum green and somebody waits")
    assert dispose(rules, 1, now._replace(waiting=frozenset({3}))) == (1, "")
    assert dispose(rules, 0, now._replace(waiting=frozenset({3}), green_s=59.0)) == (0, "")


def test_an_unknown_phase_is_no_way_around_the_rules() -> None:
    rules = rules_of(crossroads())
    due = Standing(0, 0, False, 20.0, [0.0, 0.0, 0.0, 90.0, 90.0])
    assert dispose(rules, 9, due) == (2, "phase 9 is unknown: there are 3")


def test_a_yellow_too_short_for_the_approach_speed_is_refused_with_what_it_should_be() -> None:
    fast = ApproachLane("w_0", 100.0, 100 / 3.6, [(6.9, 50.9), (6.901, 50.9)])
    config = crossroads()
    with pytest.raises(ConfigError, match=r"movement 0 has 4\.0 s of yellow .* set yellow_s to 5\.0 s"):
        check_config(replace(config, lanes=[fast, *config.lanes[1:]]))
    with pytest.raises(ConfigError, match=r"movement 0 has 2\.0 s of yellow"):
        check_config(replace(config, movements=[Movement("x", "y", yellow_s=2.0), *config.movements[1:]]))


def test_a_maximum_green_below_the_minimum_is_refused() -> None:
    phases = [replace(crossroads().phases[0], max_green_s=3.0), *crossroads().phases[1:]]
    with pytest.raises(ConfigError, match="phase 0 has a maximum green below its minimum green"):
        check_config(crossroads(phases=phases))
