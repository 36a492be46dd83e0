"""Figures from what SUMO wrote of all trips, those that came to nothing included."""

from pathlib import Path

import pytest

from simulations.figures import ApproachWait
from simulations.scoring import most_starved, percentiles_ms, safety, score_trips

TRIPS = """<tripinfos>
  <tripinfo id="done" depart="10.00" departDelay="2.00" arrival="110.00" duration="100.00"
            routeLength="900.00" waitingTime="30.00" waitingCount="2" timeLoss="40.00">
    <emissions CO2_abs="180000.0"/></tripinfo>
  <tripinfo id="quick" depart="20.00" departDelay="0.00" arrival="60.00" duration="40.00" routeLength="500.00"
            waitingTime="0.00" waitingCount="0" timeLoss="4.00"><emissions CO2_abs="60000.0"/></tripinfo>
  <tripinfo id="on its way" depart="50.00" departDelay="10.00" arrival="-1.00" duration="550.00"
            routeLength="600.00" waitingTime="500.00" waitingCount="6" timeLoss="490.00">
    <emissions CO2_abs="560000.0"/></tripinfo>
  <tripinfo id="outside" depart="-1" departDelay="300.00" arrival="-1.00" duration="0.00" routeLength="5.10"
            waitingTime="0.00" waitingCount="0" timeLoss="0.00"><emissions CO2_abs="0.0"/></tripinfo>
</tripinfos>"""


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    path = tmp_path / "trips.xml"
    path.write_text(TRIPS)
    return path


def test_who_never_departed_or_arrived_counts_in_the_mean_delay(trips: Path) -> None:
    score = score_trips(trips, 600.0)
    assert score.vehicles == 4
    assert score.delay_s == pytest.approx((42 + 4 + 500 + 300) / 4)
    assert score.trip_time_s == pytest.approx((102 + 40 + 560 + 300) / 4)
    assert score.waiting_s == pytest.approx(530 / 4)
    assert score.stops == pytest.approx(8 / 4)


def test_unfinished_vehicles_had_departed_and_never_departed_ones_had_not(trips: Path) -> None:
    score = score_trips(trips, 600.0)
    assert (score.unfinished, score.never_departed) == (1, 1)
    assert score.throughput == pytest.approx(2 * 3600 / 600)


def test_emissions_are_per_kilometre_that_was_driven(trips: Path) -> None:
    assert score_trips(trips, 600.0).co2_g_per_km == pytest.approx(800 / 2.0)


def test_the_95th_percentile_is_near_the_worst(trips: Path) -> None:
    assert 300 < score_trips(trips, 600.0).p95_delay_s <= 500


def test_a_run_without_vehicles_scores_zeros(tmp_path: Path) -> None:
    path = tmp_path / "trips.xml"
    path.write_text("<tripinfos/>")
    score = score_trips(path, 600.0)
    assert (score.vehicles, score.delay_s, score.p95_delay_s, score.co2_g_per_km) == (0, 0.0, 0.0, 0.0)


def test_collisions_and_emergency_brakings_are_those_that_sumo_counted(tmp_path: Path) -> None:
    path = tmp_path / "statistics.xml"
    path.write_text('<s><safety collisions="2" emergencyStops="1" emergencyBraking="3"/></s>')
    assert safety(path) == (2, 3)


def test_the_most_starved_approach_has_the_longest_p95_wait_not_the_longest_mean() -> None:
    busy = ApproachWait("x", "busy", 500, 40.0, 70.0, 80.0)
    forgotten = ApproachWait("x", "forgotten", 20, 30.0, 300.0, 310.0)
    assert most_starved((busy, forgotten)) is forgotten
    assert most_starved(()) is None


def test_decision_times_are_in_milliseconds_and_zero_where_nothing_was_decided() -> None:
    p50, p95, p99, most = percentiles_ms([0.001] * 99 + [0.5])
    assert p50 == pytest.approx(1.0)
    assert p95 == pytest.approx(1.0)
    assert 1.0 < p99 < most == pytest.approx(500.0)
    assert percentiles_ms([]) == (0.0, 0.0, 0.0, 0.0)
