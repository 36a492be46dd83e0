"""The lane observer: what it counts, what it calls wrong, and that no vehicle's number leaves it."""

from citybrain.messages import EventKind, LaneReading, RoadUser
from edge.drivers.driver import Look, Seen
from edge.incidents import COOLDOWN_S, Incidents
from edge.observe import CameraError, Condition, LaneObserver
from tests.unit.edge.configs import AT, crossroads

EXACT = CameraError(0.0, 0.0, 0.0)
VIEWS = {"w_0": 200.0, "w_1": 100.0, "o_0": 200.0, "n_0": 200.0}


def observer(error: CameraError = EXACT) -> LaneObserver:
    return LaneObserver(crossroads(), VIEWS, seed=3, error=error)


def car(tag: int, distance_m: float, speed_mps: float = 0.0) -> Seen:
    return Seen(tag, distance_m, speed_mps, 5.0, RoadUser.CAR)


def look(clock_s: float, *vehicles: Seen, lane: str = "w_0", shown: str = "GgGrr", run: int = 1) -> Look:
    return Look(clock_s, shown, {lane: list(vehicles)}, run)


def reading(readings: list[LaneReading], lane: str = "w_0") -> LaneReading:
    return next(one for one in readings if one.lane == lane)


def test_a_queue_is_what_is_joined_to_the_stop_line() -> None:
    _, readings, _ = observer().observe(
        look(0.0, car(1, 1), car(2, 9), car(3, 17), car(4, 60), car(5, 80, 9))
    )
    lane = reading(readings)
    assert (lane.vehicles, lane.queued, lane.queue_m) == (5, 3, 17.0)
    assert lane.occupancy == 25 / 200
    assert lane.mean_speed_mps == 1.8


def test_a_vehicle_is_counted_once_when_it_crosses_and_not_when_it_changes_lane() -> None:
    eyes = observer()
    eyes.observe(look(0.0, car(1, 5, 8), car(2, 150, 12)))
    _, readings, _ = eyes.observe(look(1.0, car(2, 138, 12)))
    assert reading(readings).crossed == 1
    _, readings, _ = eyes.observe(look(2.0, car(2, 20, 12), lane="w_1"))
    assert [one.crossed for one in readings] == [0, 0, 0, 0]
    _, readings, _ = eyes.observe(look(3.0))
    assert reading(readings, "w_1").crossed == 1


def test_a_street_that_begins_anew_lets_nobody_cross() -> None:
    eyes = observer()
    eyes.observe(look(0.0, car(1, 5, 8)))
    _, readings, _ = eyes.observe(look(1.0, run=2))
    assert reading(readings).crossed == 0


def test_stops_and_delay_are_counted_in_the_period() -> None:
    eyes = observer()
    eyes.observe(look(0.0, car(1, 30, 13.9)))
    period_s, readings, _ = eyes.observe(look(2.0, car(1, 10, 0.0)))
    assert (period_s, reading(readings).stops, reading(readings).delay_s) == (2.0, 1, 2.0)
    _, readings, _ = eyes.observe(look(3.0, car(1, 10, 0.0)))
    assert (reading(readings).stops, reading(readings).delay_s) == (0, 1.0)


def test_noise_is_seeded_and_about_three_percent_are_missed() -> None:
    vehicles = [car(tag, 5.0 + tag / 20, 10) for tag in range(3000)]
    first = observer(CameraError()).observe(look(0.0, *vehicles))
    again = observer(CameraError()).observe(look(0.0, *vehicles))
    assert first == again
    assert 2850 <= reading(first[1]).vehicles <= 2960
    assert all(one.distance_m >= 0 and one.speed_mps >= 0 for one in reading(first[1]).observed)


def conditions_after(eyes: LaneObserver, seconds: int, *vehicles: Seen, shown: str) -> set[EventKind]:
    for second in range(seconds + 1):
        _, _, conditions = eyes.observe(look(float(second), *vehicles, shown=shown))
    return {condition.kind for condition in conditions}


def test_a_queue_that_fills_the_lane_is_spillback_after_twenty_seconds() -> None:
    queue = [car(tag, 1.0 + 8 * tag) for tag in range(13)]
    assert conditions_after(observer(), 20, *queue, shown="rrrGG") == set()
    assert conditions_after(observer(), 21, *queue, shown="rrrGG") == {EventKind.QUEUE_SPILLBACK}


def test_a_vehicle_that_stands_with_green_and_space_ahead_has_stopped() -> None:
    assert conditions_after(observer(), 65, car(1, 50), shown="GgGrr") == {EventKind.STOPPED_VEHICLE}
    assert conditions_after(observer(), 65, car(1, 50), shown="rrrGG") == set()
    assert conditions_after(observer(), 65, car(1, 50, 5), shown="GgGrr") == set()


def test_a_vehicle_behind_another_has_not_stopped() -> None:
    eyes = observer()
    for second in range(66):
        _, _, conditions = eyes.observe(look(float(second), car(1, 50), car(2, 58), shown="GgGrr"))
    assert [condition.evidence["distance_m"] for condition in conditions] == [50]


def test_the_first_vehicle_waits_long_after_two_minutes() -> None:
    assert conditions_after(observer(), 119, car(1, 2), shown="rrrGG") == set()
    assert conditions_after(observer(), 121, car(1, 2), shown="rrrGG") == {EventKind.LONG_WAIT}


def test_a_condition_is_told_at_its_beginning_and_end_and_then_not_again_for_a_while() -> None:
    incidents = Incidents()
    wrong = [Condition(EventKind.LONG_WAIT, "w_0", "it waits", {})]
    [begun] = incidents.update(wrong, 0.0, AT)
    assert begun.end_at is None
    assert incidents.update(wrong, 1.0, AT) == []
    assert incidents.update([], 4.0, AT) == []
    [ended] = incidents.update([], 6.0, AT)
    assert (ended.event, ended.end_at) == (begun.event, AT)
    assert incidents.update(wrong, 10.0, AT) == []
    [again] = incidents.update(wrong, 7.0 + COOLDOWN_S, AT)
    assert again.event != begun.event
    assert [one.event for one in incidents.end_all()] == [again.event]
