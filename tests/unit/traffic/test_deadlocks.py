"""Standstills that priority has caused before, each as a test: signals that wait for who cannot come."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from citybrain.messages import IntersectionConfig, SignalState
from citybrain.rules import rules_of
from tests.fixtures.crossing import crossing, measurement, queue, state
from tests.fixtures.priority import APART_M, after, position, request
from traffic.priority import Priorities
from traffic.region import Region
from traffic.timing import SignalTimer

LEFTS_APART = ("GrrrGrrr", "rGrrrGrr", "rrGgrrGg")
Vehicles = dict[str, Sequence[tuple[float, float]]]
See = Callable[[str, int], Vehicles]
"""What the camera at a signal sees in a second, by arm."""


class Road:
    """Signals under the region's plans, second by second, with a vehicle that says where it is."""

    def __init__(self, configs: Sequence[IntersectionConfig]) -> None:
        self.region = Region(configs)
        self.priorities = Priorities()
        self.timers = {config.intersection: SignalTimer(rules_of(config)) for config in configs}
        self.shown: dict[str, list[int]] = {id_: [] for id_ in self.timers}

    def run(
        self, seconds: int, travelled_m: Callable[[int], float], see: See, lane: str | None = "west"
    ) -> None:
        for second in range(seconds):
            metres = travelled_m(second)
            speed_mps = travelled_m(second + 1) - metres
            self.priorities.position(position(second, metres, speed_mps=speed_mps, lane=lane))
            self.priorities.tick(after(second))
            for id_, timer in self.timers.items():
                self._decide(id_, timer, second, see(id_, second))

    def _decide(self, id_: str, timer: SignalTimer, second: int, vehicles: Vehicles) -> None:
        at = after(second)
        self.region.on_state(_said(id_, timer, second))
        self.region.on_measurement(measurement(vehicles, id_, clock_s=float(second), at=at))
        self.region.claim(id_, self.priorities.claims(id_, at))
        decision = self.region.decide(id_, at)
        assert decision is not None
        timer.step(decision.phase)
        self.shown[id_].append(timer.phase if timer.phase == timer.target else -1)


def _said(id_: str, timer: SignalTimer, second: int) -> SignalState:
    shown = state(id_, 0, timer.elapsed_s, float(second), after(second))
    return SignalState(
        at=shown.at,
        device=shown.device,
        boot=1,
        seq=second + 1,
        intersection=id_,
        clock_s=float(second),
        indications=timer.indications,
        phase=timer.phase,
        next_phase=timer.target,
        interval=timer.interval,
        elapsed_s=timer.elapsed_s,
        min_remaining_s=0.0,
        mode=shown.mode,
    )


def test_a_head_that_stays_under_the_vehicles_green_gets_its_own_phase() -> None:
    # The phase of the emergency vehicle was locked; the left-turner before it could not use it and stood.
    road = Road([crossing("a", phases=LEFTS_APART)])
    road.priorities.request(request(intersections="a", movement=0))
    at_line_m = APART_M - 8.0
    road.run(40, lambda _: at_line_m, lambda *_: {"west": [(1.0, 0.0), (8.0, 0.0)], "north": queue(3)})
    lefts = [second for second, phase in enumerate(road.shown["a"]) if phase == 1]
    assert lefts, "the left-turner is never let go"
    assert lefts[0] <= 25


def test_an_unseen_vehicle_before_it_gets_its_phase_too() -> None:
    # Nobody is seen before the emergency vehicle, yet it stands a vehicle's length from the line.
    road = Road([crossing("a", phases=LEFTS_APART)])
    road.priorities.request(request(intersections="a", movement=0))
    at_line_m = APART_M - 8.5
    road.run(60, lambda _: at_line_m, lambda *_: {"west": [(8.5, 0.0)]})
    assert 1 in road.shown["a"]


def test_signals_ahead_of_a_standing_vehicle_serve_their_cross_streets() -> None:
    # Three signals were locked for a vehicle that stood, and the cross streets filled up.
    road = Road([crossing(id_) for id_ in "abc"])
    road.priorities.request(request(intersections="abc", movement=0))
    waiting: Vehicles = {"north": queue(6), "south": queue(6)}

    def see(id_: str, _second: int) -> Vehicles:
        return {**waiting, "west": [(150.0, 0.0)]} if id_ == "a" else waiting

    road.run(150, lambda second: min(15.0 * second, APART_M - 150.0), see)
    for id_ in "bc":
        assert road.shown[id_].count(1) >= 100
    road.run(100, lambda _: APART_M - 150.0, see)
    assert 1 in road.shown["a"][150:], "its own signal holds green for ever"


def test_a_full_road_that_keeps_the_vehicle_from_coming_is_cleared() -> None:
    # It stood because the road to its second signal was full, and that signal expected it later and later.
    road = Road([crossing(id_) for id_ in "ab"])
    road.priorities.request(request(intersections="ab", movement=0))

    def see(id_: str, _second: int) -> Vehicles:
        full: Vehicles = {"west": queue(24), "north": queue(6), "south": queue(6)}
        return {"west": [(8.0, 0.0)]} if id_ == "a" else full

    road.run(100, lambda second: min(15.0 * second, APART_M - 8.0), see)
    assert road.shown["b"].count(0) >= 60


def test_a_claim_on_a_lane_whose_exit_is_full_holds_no_green() -> None:
    road = Road([crossing("a")])
    road.priorities.request(request(intersections="a", movement=0))
    road.run(60, lambda _: APART_M - 1.0, lambda *_: {"west": [(1.0, 0.0)], "north": queue(6)})
    assert road.shown["a"].count(1) >= 15


def _with_bay(id_: str = "a") -> IntersectionConfig:
    """The crossing with a bay of 40 m for left-turners from the west; each arm comes from its own side."""
    whole = crossing(id_, phases=LEFTS_APART)
    ends = {"west": (0.0, -1e-4), "north": (1e-4, 0.0), "east": (0.0, 1e-4), "south": (-1e-4, 0.0)}
    lanes = []
    for lane in whole.lanes:
        north, east = ends[lane.lane]
        path = [(7.0 + 20 * east, 51.0 + 20 * north), (7.0 + east, 51.0 + north)]
        lanes.append(replace(lane, path=path, length_m=40.0 if lane.lane == "west" else 200.0))
    bay = replace(lanes[0], lane="west-left")
    movements = list(whole.movements)
    movements[1] = replace(movements[1], from_lane="west-left")
    return replace(whole, lanes=[*lanes, bay], movements=movements)


def test_a_bay_that_is_full_is_emptied_for_who_stands_behind_it() -> None:
    # A queue for the left bay blocked the one lane before it; the vehicle's own was empty and green.
    road = Road([_with_bay()])
    road.priorities.request(request(intersections="a", movement=0))
    seen: Vehicles = {
        "west-left": queue(5),
        "west": [(47.0 + 7.0 * place, 0.0) for place in range(6)],
        "north": queue(4),
    }
    road.run(17, lambda _: APART_M - 95.0, lambda *_: seen, lane=None)
    assert road.shown["a"].index(1) <= 10
    assert road.shown["a"].count(1) >= 7


def test_who_stands_though_nothing_is_before_it_holds_no_green() -> None:
    road = Road([_with_bay()])
    road.priorities.request(request(intersections="a", movement=0))
    road.run(60, lambda _: APART_M - 150.0, lambda *_: {"north": queue(6)}, lane=None)
    assert road.shown["a"].count(2) >= 15
