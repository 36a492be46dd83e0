"""The live state."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import Binding, Health, SignalReasons
from command.live import Live
from command.models import AgentView, EventView, LaneNow, SignalNow
from tests.fixtures.command import (
    BOOT,
    T0,
    config,
    count,
    event,
    frame,
    measurement,
    network,
    state,
    status,
)


def test_a_signal_state_is_live_and_told_once() -> None:
    live = Live()
    live.apply(config(), T0)
    live.apply(state(2), T0)
    assert live.pending() == ["signals"]
    (told,) = live.drain("signals", T0)
    assert isinstance(told, SignalNow)
    assert (told.intersection, told.position, told.indications) == ("a", (6.95, 50.94), "G")
    assert live.pending() == []
    assert live.drain("signals", T0) == []


def test_what_an_agent_sends_again_or_late_turns_nothing_back() -> None:
    live = Live()
    live.apply(state(5, indications="y"), T0)
    live.drain("signals", T0)
    live.apply(state(5, indications="y"), T0)
    live.apply(state(3, indications="G"), T0)
    assert live.pending() == []
    assert live.signals()[0].indications == "y"


@given(st.permutations(range(1, 8)))
def test_in_any_order_the_last_state_is_shown(order: list[int]) -> None:
    live = Live()
    for seq in order:
        live.apply(state(seq), T0)
    assert live.signals()[0].at == T0 + timedelta(seconds=7)


def test_only_lanes_that_changed_are_told() -> None:
    live = Live()
    live.apply(measurement(1), T0)
    assert len(live.drain("lanes", T0)) == 1
    live.apply(measurement(2), T0)
    assert live.drain("lanes", T0) == []
    live.apply(measurement(3, queued=3, queue_m=22.0), T0)
    (lane,) = live.drain("lanes", T0)
    assert isinstance(lane, LaneNow)
    assert (lane.queued, lane.queue_m, lane.at) == (3, 22.0, T0 + timedelta(seconds=3))


def test_kpis_are_of_the_last_five_minutes_of_street_time_and_count_nothing_twice() -> None:
    live = Live()
    for seq in range(1, 11):
        live.apply(measurement(seq), T0)
        live.apply(measurement(seq), T0)
    figures = live.traffic(T0 + timedelta(seconds=10))
    assert figures.mean_delay_s == 4.0
    assert figures.stops_per_vehicle == 2.0
    assert figures.throughput_veh_h == 3600.0
    later = live.traffic(T0 + timedelta(seconds=400))
    assert (later.mean_delay_s, later.throughput_veh_h) == (None, None)


def test_vehicles_on_lanes_that_report_no_more_are_not_counted() -> None:
    live = Live()
    live.apply(measurement(1), T0)
    assert live.vehicles(T0 + timedelta(seconds=2)) == 3
    assert live.vehicles(T0 + timedelta(seconds=60)) == 0


def test_an_agent_without_a_heartbeat_falls_silent_and_comes_back() -> None:
    live = Live()
    live.apply(status(at=T0), T0)
    live.drain("agents", T0)
    live.sweep(T0 + timedelta(seconds=29))
    assert live.pending() == []
    live.sweep(T0 + timedelta(seconds=31))
    (agent,) = live.drain("agents", T0 + timedelta(seconds=31))
    assert isinstance(agent, AgentView)
    assert agent.health == "silent"
    assert live.silent(T0 + timedelta(seconds=31)) == 1
    live.sweep(T0 + timedelta(seconds=32))
    assert live.pending() == []
    live.apply(status(at=T0 + timedelta(seconds=33)), T0 + timedelta(seconds=33))
    assert live.agents(T0 + timedelta(seconds=33))[0].health == "ok"


def test_a_last_will_keeps_what_the_agent_said_last() -> None:
    live = Live()
    live.apply(status(figures={"fps": 5.0}), T0)
    gone_at = T0 + timedelta(seconds=8)
    live.apply(status(health=Health.OFFLINE), gone_at)
    (agent,) = live.agents(gone_at)
    assert (agent.health, agent.at, agent.figures) == ("offline", gone_at, {"fps": 5.0})


def test_the_last_will_of_a_former_start_does_not_bury_the_next() -> None:
    live = Live()
    live.apply(status(boot=BOOT + 1), T0)
    live.apply(status(boot=BOOT, health=Health.OFFLINE), T0)
    assert live.agents(T0)[0].health == "ok"


def test_the_network_is_shown_when_its_last_part_is_there() -> None:
    live = Live()
    first, second = network()
    live.apply(second, T0)
    assert live.layout == 0
    assert list(live.network.segments()) == []
    live.apply(first, T0)
    assert live.layout == 1
    assert {segment.lane for segment in live.network.segments()} == {"south_0", "east_0"}
    live.apply(first, T0)
    assert live.layout == 1
    found = live.site("city", "0.1.0", 1.0)
    assert found.bounds == ((6.95, 50.939), (6.951, 50.94))


def test_a_new_start_of_a_controller_that_says_the_same_changes_no_layout() -> None:
    live = Live()
    live.apply(config(), T0)
    live.apply(config(seq=2), T0)
    assert live.layout == 1


def test_events_are_told_as_they_come_but_not_those_from_a_spool() -> None:
    live = Live()
    live.apply(event(1), T0)
    live.apply(msgspec.structs.replace(event(2, name="e0"), is_historical=True), T0)
    (told,) = live.drain("events", T0)
    assert isinstance(told, EventView)
    assert told.event == "e1"


def test_counts_of_today_are_the_databases_and_what_came_since() -> None:
    live = Live({"demo": None})
    live.cameras.turn_day(T0)
    live.cameras.seed([("demo", "line:forward", "car", 40)])
    live.apply(count(1, T0 - timedelta(seconds=1), 5), T0)  # from before the start: the database has it
    live.apply(count(2, T0 + timedelta(seconds=5), 2), T0)
    live.apply(count(2, T0 + timedelta(seconds=5), 2), T0)
    assert live.camera("demo", T0).counts == {"line:forward": {"car": 42}}
    live.apply(count(3, T0 + timedelta(days=1), 1), T0 + timedelta(days=1))
    assert live.camera("demo", T0).counts == {"line:forward": {"car": 1}}


def test_a_camera_shows_its_rate_size_and_place() -> None:
    live = Live({"demo": None, "gate": (7.0, 51.0)})
    live.apply(config(), T0)
    for number in range(1, 6):
        live.cameras.picture(frame(number, T0 + timedelta(seconds=number / 2)))
    demo, gate = live.all_cameras(T0)
    assert (demo.fps, demo.width, demo.height) == (2.0, 640, 360)
    assert demo.position is not None
    assert abs(demo.position[0] - 6.95) < 0.001
    assert gate.position == (7.0, 51.0)
    assert gate.picture_at is None


def test_the_latest_reasons_are_kept_and_old_ones_are_not_told() -> None:
    live = Live()
    for later_s in (2, 0):
        told = SignalReasons(
            at=T0 + timedelta(seconds=later_s), device="traffic/region-0", intersection="a", phase=later_s,
            binding=Binding.PLAN, plan=[], lanes=[],
        )  # fmt: skip
        live.apply(told, T0)
    found = live.reasons_of("a", T0 + timedelta(seconds=30))
    assert found is not None
    assert found.phase == 2
    assert live.reasons_of("a", T0 + timedelta(seconds=33)) is None
    assert live.reasons_of("b", T0) is None
