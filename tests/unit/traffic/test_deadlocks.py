"""Standstills that priority has caused before, each as a test: signals that wait for who cannot come."""

from collections.abc import Callable, Sequence

from citybrain.messages import SignalState
from tests.fixtures.crossing import crossing, measurement, queue, state
from tests.fixtures.priority import APART_M, after, position, request
from traffic.network import rules_of
from traffic.priority import Priorities
from traffic.region import Region
from traffic.timing import SignalTimer

LEFTS_APART = ("GrrrGrrr", "rGrrrGrr", "rrGgrrGg")
Vehicles = dict[str, Sequence[tuple[float, float]]]
See = Callable[[str, int], Vehicles]
"""What the camera at a signal sees in a second, by arm."""


class Road:
    """Signals under the region's plans, second by second, with a vehicle that says where it is."""

    def __init__(self, ids: str, phases: Sequence[str]) -> None:
        configs = [crossing(id_, phases=phases) for id_ in ids]
        self.region = Region(configs)
        self.priorities = Priorities()
        self.timers = {config.intersection: SignalTimer(rules_of(config)) for config in configs}
        self.shown: dict[str, list[int]] = {id_: [] for id_ in ids}

    def run(self, seconds: int, travelled_m: Callable[[int], float], see: See, lane: str = "west") -> None:
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
    road = Road("a", LEFTS_APART)
    road.priorities.request(request(intersections="a", movement=0))
    at_line_m = APART_M - 8.0
    road.run(40, lambda _: at_line_m, lambda *_: {"west": [(1.0, 0.0), (8.0, 0.0)], "north": queue(3)})
    lefts = [second for second, phase in enumerate(road.shown["a"]) if phase == 1]
    assert lefts, "the left-turner is never let go"
    assert lefts[0] <= 25


def test_an_unseen_vehicle_before_it_gets_its_phase_too() -> None:
    # Nobody is seen before the emergency vehicle, yet it stands a vehicle's length from the line.
    road = Road("a", LEFTS_APART)
    road.priorities.request(request(intersections="a", movement=0))
    at_line_m = APART_M - 8.5
    road.run(60, lambda _: at_line_m, lambda *_: {"west": [(8.5, 0.0)]})
    assert 1 in road.shown["a"]


def test_signals_ahead_of_a_standing_vehicle_serve_their_cross_streets() -> None:
    # Three signals were locked for a vehicle that stood, and the cross streets filled up.
    road = Road("abc", ("GgrrGgrr", "rrGgrrGg"))
    road.priorities.request(request(intersections="abc", movement=0))
    waiting: Vehicles = {"north": queue(6), "south": queue(6)}

    def see(id_: str, _second: int) -> Vehicles:
        return {**waiting, "west": [(150.0, 0.0)]} if id_ == "a" else waiting

    road.run(150, lambda second: min(15.0 * second, APART_M - 150.0), see)
    for id_ in "bc":
        assert road.shown[id_].count(1) >= 100
    road.run(100, lambda _: APART_M - 150.0, see)
    assert 1 in road.shown["a"][150:], "its own signal holds green for ever"


def test_a_claim_on_a_lane_whose_exit_is_full_holds_no_green() -> None:
    road = Road("a", ("GgrrGgrr", "rrGgrrGg"))
    road.priorities.request(request(intersections="a", movement=0))
    road.run(60, lambda _: APART_M - 1.0, lambda *_: {"west": [(1.0, 0.0)], "north": queue(6)})
    assert road.shown["a"].count(1) >= 15
