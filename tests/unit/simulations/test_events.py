"""The event log says what the signals did: each green closed, everything in order, no conflict."""

from functools import cache
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from citybrain.messages import IntersectionConfig, Movement, Phase
from citybrain.rules import rules_of
from simulations.enumeration import FREE_PATTERN, Event
from simulations.events import Plan, Row, SignalEvents, coordination, time_stamp
from simulations.layout import Layout, SignalGroup, layouts
from simulations.network import RESCO, STREET, Protocol, SignalNetwork, read_network
from simulations.scenarios import find_scenario
from tests.fixtures.crossing import AT, crossing
from tests.fixtures.signal_log import CYCLE, ENDINGS, by_phase, intervals
from traffic.timing import SignalTimer

SECONDS = 300


@cache
def network(protocol: Protocol) -> SignalNetwork:
    return read_network(find_scenario("cologne3").net, at=AT, boot=1, protocol=protocol)


def log(config: IntersectionConfig, layout: Layout, wishes: list[int]) -> tuple[list[Row], list[str]]:
    """Of a signal that is asked for one phase after the other, two seconds each; and what it showed."""
    timer = SignalTimer(rules_of(config))
    events = SignalEvents(layout, config, is_actuated=False)
    rows: list[Row] = []
    shown: list[str] = []
    for second in range(SECONDS):
        timer.step(wishes[(second // 2) % len(wishes)] % len(config.phases))
        shown.append(timer.indications)
        rows += events.step(float(second), timer.indications)
    return rows, shown


@settings(max_examples=25, deadline=None)
@given(
    which=st.integers(0, 2),
    protocol=st.sampled_from([RESCO, STREET]),
    wishes=st.lists(st.integers(0, 3), min_size=1, max_size=40),
)
def test_whatever_is_asked_for_the_log_is_in_order_and_shows_no_conflict(
    which: int, protocol: Protocol, wishes: list[int]
) -> None:
    config = list(network(protocol).configs.values())[which]
    layout = layouts(network(protocol))[config.intersection]
    rows, shown = log(config, layout, wishes)
    assert all(one.time_s <= other.time_s for one, other in pairwise(rows))
    for events in by_phase(rows, CYCLE).values():
        told = [row.event for row in events]
        assert told == [CYCLE[index % len(CYCLE)] for index in range(len(told))]
    for events in by_phase(rows, (*ENDINGS, Event.PHASE_GREEN_TERMINATION)).values():
        assert [row.event in ENDINGS for row in events] == [True, False] * (len(events) // 2)
    check_greens(config, layout, rows, shown)


def check_greens(config: IntersectionConfig, layout: Layout, rows: list[Row], shown: list[str]) -> None:
    """The log's greens are the lights' greens, and no two that conflict are protected together."""
    greens = intervals(rows, Event.PHASE_BEGIN_GREEN, Event.PHASE_GREEN_TERMINATION, SECONDS)
    for second, lights in enumerate(shown):
        green = [
            group
            for group in layout.groups
            if any(begin <= second < end for begin, end in greens.get(group.phase, []))
        ]
        assert green == [
            g for g in layout.groups if any(lights[movement] in "Gg" for movement in g.movements)
        ]
        protected = [m for group in green for m in group.movements if lights[m] == "G"]
        foes = {foe for movement in protected for foe in config.movements[movement].foes}
        assert foes.isdisjoint(protected)


def test_the_all_red_of_the_protocol_is_the_red_clearance() -> None:
    config = next(iter(network(STREET).configs.values()))
    rows, _ = log(config, layouts(network(STREET))[config.intersection], [0, 1, 2])
    ended = intervals(rows, Event.PHASE_BEGIN_RED_CLEARANCE, Event.PHASE_END_RED_CLEARANCE, SECONDS)
    lengths = {round(end - begin, 1) for found in ended.values() for begin, end in found if end < SECONDS}
    assert lengths == {STREET.all_red_s}


def one_group(turn: str = "through", length_m: float = 10.0) -> tuple[IntersectionConfig, Layout]:
    config = replace(
        crossing(),
        movements=[Movement("west", "east-out", [], [], turn, length_m)],
        phases=[Phase("G", 5.0, 20.0, 10.0), Phase("r", 5.0, 20.0, 10.0)],
    )
    group = SignalGroup(2, "", (0,), (turn,))
    return config, Layout(config.intersection, "x", (), (group,), ())


def told(shown: str, *, turn: str = "through", is_actuated: bool = False) -> list[tuple[float, Event]]:
    config, layout = one_group(turn)
    events = SignalEvents(layout, config, is_actuated=is_actuated)
    return [
        (row.time_s, Event(row.event))
        for second, light in enumerate(shown)
        for row in events.step(float(second), light)
    ]


def test_a_green_that_ends_before_its_maximum_gaps_out_on_an_actuated_signal() -> None:
    shown = "G" * 8 + "yyyrr"
    assert (8.0, Event.PHASE_GAP_OUT) in told(shown, is_actuated=True)
    assert (8.0, Event.PHASE_FORCE_OFF) in told(shown)
    assert (5.0, Event.PHASE_MIN_COMPLETE) in told(shown)


def test_a_green_that_reaches_its_maximum_maxes_out() -> None:
    assert (20.0, Event.PHASE_MAX_OUT) in told("G" * 20 + "yyyr", is_actuated=True)


def test_pedestrians_get_walk_clearance_and_dont_walk() -> None:
    assert told("rGGGG" + "r" * 12, turn="pedestrian") == [
        (1.0, Event.PED_BEGIN_WALK),
        (5.0, Event.PED_BEGIN_CLEARANCE),
        (5.0 + 10.0 / 1.07, Event.PED_BEGIN_DONT_WALK),
    ]


def test_a_left_turn_that_yields_is_told_from_one_that_has_the_street_to_itself() -> None:
    turns = [event for event in told("gggGGGyyyr", turn="left") if event[1].name.startswith("FYA")]
    assert turns == [(0.0, Event.FYA_BEGIN_PERMISSIVE), (3.0, Event.FYA_END_PERMISSIVE)]


def test_a_fixed_plan_logs_its_pattern_and_an_optimiser_runs_free() -> None:
    plan = [(row.event, row.parameter) for row in coordination("x", 0.0, Plan(90.0, 12.0))]
    assert plan == [
        (Event.PATTERN_CHANGE, 1),
        (Event.CYCLE_LENGTH_CHANGE, 90),
        (Event.OFFSET_CHANGE, 12),
    ]
    assert [row.parameter for row in coordination("x", 0.0, None)] == [FREE_PATTERN]


def test_a_time_stamp_is_in_tenths_and_carries_over() -> None:
    assert time_stamp(25200.0) == "2025-01-01 07:00:00.0"
    assert time_stamp(59.96) == "2025-01-01 00:01:00.0"
    assert time_stamp(86400.24) == "2025-01-02 00:00:00.2"


def test_phases_are_numbered_as_on_a_dual_ring() -> None:
    for layout in layouts(network(RESCO)).values():
        phases = [group.phase for group in layout.groups]
        assert len(set(phases)) == len(phases)
        throughs = {g.approach: g.phase for g in layout.groups if "through" in g.turns}
        assert set(throughs.values()) <= {2, 4, 6, 8}
        for group in layout.groups:
            if group.is_left and group.approach in throughs:
                assert group.phase == {2: 5, 4: 7, 6: 1, 8: 3}[throughs[group.approach]]
        bearings = {a.edge: a.bearing_deg for a in layout.approaches}
        along = {phase: bearings[edge] for edge, phase in throughs.items()}
        assert abs(abs(along[2] - along[6]) - 180.0) < 30.0
