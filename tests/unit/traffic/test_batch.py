"""Many intersections in one call: of one opinion with the region that decides one by one."""

from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from citybrain.messages import (
    IntersectionConfig,
    Interval,
    LaneMeasurement,
    LaneReading,
    SignalState,
    VehicleObservation,
)
from simulations.network import read_network
from simulations.scenarios import find_scenario
from tests.fixtures.crossing import ARMS, AT, crossing, measurement, queue, state
from traffic.batch import Batch
from traffic.region import Decision, Region

PHASES = ("GgrrGgrr", "rrGgrrGg", "rGrrrGrr", "rrrGrrrG")


def configs(count: int) -> list[IntersectionConfig]:
    return [crossing(f"x{number}", phases=PHASES[: 2 + number % 3]) for number in range(count)]


class Second(NamedTuple):
    """What all intersections say and see in one second."""

    seen: dict[str, list[tuple[float, float]]]
    crossed: dict[str, int]
    target: int
    interval: Interval
    elapsed_s: int
    step_s: float


seconds = st.builds(
    Second,
    st.dictionaries(
        st.sampled_from(ARMS), st.lists(st.tuples(st.floats(0, 200), st.floats(0, 16)), max_size=5)
    ),
    st.dictionaries(st.sampled_from(ARMS), st.integers(0, 2)),
    st.integers(0, 1),
    st.sampled_from(list(Interval)),
    st.integers(0, 30),
    st.sampled_from([1.0, 1.0, 2.0, 0.0, 9.0]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(seconds, min_size=1, max_size=8), st.integers(1, 2))
def test_it_decides_as_the_region_does(stream: list[Second], threads: int) -> None:
    made = configs(3)
    region, batch = Region(made, horizon_s=15, width=3), Batch(made, horizon_s=15, width=3, threads=threads)
    clock_s = 0.0
    for second in stream:
        clock_s += second.step_s
        wanted: dict[str, Decision | None] = {}
        for config in made:
            id_ = config.intersection
            told = _state(config, second, clock_s)
            lanes = measurement(second.seen, id_, clock_s=clock_s, crossed=second.crossed)
            region.on_state(told)
            batch.on_state(told)
            is_new = region.on_measurement(lanes)
            assert batch.on_measurement(lanes) is is_new
            if is_new:
                wanted[id_] = region.decide(id_, AT)
        assert {decision.intersection: decision for decision in batch.decide_all(AT)} == wanted
    batch.close()


def _state(config: IntersectionConfig, second: Second, clock_s: float) -> SignalState:
    shown = replace(state(config.intersection, 0, float(second.elapsed_s), clock_s), next_phase=second.target)
    return replace(shown, interval=second.interval, indications=config.phases[0].indications)


def street(seed: int) -> tuple[list[IntersectionConfig], list[list[tuple[SignalState, LaneMeasurement]]]]:
    """Eight real signals that send each other traffic, and twelve seconds of it."""
    scenario = find_scenario("cologne8")
    made = list(read_network(scenario.net, at=AT, boot=1, additional=scenario.additional).configs.values())
    random = np.random.default_rng(seed)
    stream = []
    for second in range(12):
        at = AT + timedelta(seconds=second)
        stream.append([
            (
                replace(
                    state(config.intersection, 0, 10.0 + second, second, at),
                    indications=config.phases[0].indications,
                ),
                replace(
                    measurement({}, config.intersection, second, at),
                    lanes=[_lane(lane.lane, random) for lane in config.lanes],
                ),
            )
            for config in made
        ])  # fmt: skip
    return made, stream


def _lane(lane: str, random: np.random.Generator) -> LaneReading:
    seen = tuple(
        VehicleObservation(float(distance), float(random.uniform(0, 14)))
        for distance in random.uniform(0, 200, random.integers(0, 6))
    )
    gone = int(random.integers(0, 2))
    return LaneReading(lane, len(seen), len(seen), 0.0, None, 0.0, gone, 0, 0.0, seen)


def test_neighbours_exchange_what_they_send_as_in_the_region() -> None:
    made, stream = street(seed=1)
    region, batch = Region(made), Batch(made)
    for second in stream:
        for told_, lanes in second:
            for one in (region, batch):
                one.on_state(told_)
                one.on_measurement(lanes)
            assert batch.decide_all(lanes.at) == [region.decide(lanes.intersection, lanes.at)]
    assert batch.shared.sending.sum() > 0
    assert np.array_equal(batch.shared.sending, region.shared.sending)


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traffic.batch.CHUNK", 2)
    made, stream = street(seed=2)
    alone, many = Batch(made), Batch(made, threads=3)
    for second in stream:
        for told_, lanes in second:
            for one in (alone, many):
                one.on_state(told_)
                one.on_measurement(lanes)
        at = second[0][1].at
        assert alone.decide_all(at) == many.decide_all(at)
    many.close()


def told(count: int, seen: LaneMeasurement) -> Batch:
    batch = Batch(configs(count))
    for number in range(count):
        batch.on_state(state(f"x{number}"))
        batch.on_measurement(replace(seen, intersection=f"x{number}"))
    return batch


def test_every_intersection_that_was_measured_is_decided_once() -> None:
    batch = told(5, measurement({"north": queue(4)}))
    assert [(d.intersection, d.phase, d.reason) for d in batch.decide_all(AT)] == [
        (f"x{number}", 1, "change") for number in range(5)
    ]
    assert batch.decide_all(AT) == []


def test_a_late_or_blind_measurement_or_an_unknown_state_gets_no_decision() -> None:
    assert told(1, measurement({})).decide_all(AT + timedelta(seconds=3)) == []
    assert told(1, replace(measurement({}), quality=0.0)).decide_all(AT) == []
    batch = Batch(configs(1))
    batch.on_measurement(measurement({}, "x0"))
    assert batch.decide_all(AT) == []


def test_what_crossed_while_nobody_asked_is_not_forgotten() -> None:
    made = configs(1)
    asked, silent = Region(made), Batch(made)
    asked.on_state(state("x0"))
    silent.on_state(state("x0"))
    for clock_s in range(4):
        gone = measurement({"west": [(30.0, 8.0)]}, "x0", clock_s=clock_s, crossed={"west": 1})
        assert asked.on_measurement(gone)
        assert silent.on_measurement(gone)
    assert silent.decide_all(AT) == [asked.decide("x0", AT)]
