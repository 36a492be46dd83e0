"""Events, zones and turning movements on a street whose truth is exact."""

import numpy as np

from citybrain.calibration import Calibration, CountingLine, Zone
from citybrain.messages import EventKind, RoadUser
from tests.unit.vision.boxes import joined
from tests.unit.vision.street import FAR_M, HEIGHT, LANES, NEAR_M, WIDTH, calibration, seen
from vision.happenings import Happening, Happenings
from vision.scene import Noted, Scene
from vision.tracker import Tracker

FPS = 5
Vehicle = tuple[float, float]


def play(
    vehicles: list[list[Vehicle]], people: list[list[Vehicle]] | None = None
) -> tuple[Scene, list[Noted]]:
    rng = np.random.default_rng(3)
    scene, tracker = Scene(calibration(), WIDTH, HEIGHT), Tracker(WIDTH, HEIGHT)
    noted = []
    for k, now in enumerate(vehicles):
        found = seen(now, rng)
        if people:
            found = joined(found, seen(people[k], rng, user=RoadUser.PERSON))
        noted.append(scene.update(tracker.update(found, k / FPS), k / FPS))
    return scene, noted


def happened(noted: list[Noted]) -> list[Happening]:
    return [happening for now in noted for happening in now.happenings]


def test_a_vehicle_that_stands_alone_on_a_live_lane_is_one_event_with_start_and_end() -> None:
    stands = [[(LANES["left"], 40.0)] for _ in range(50 * FPS)]
    leaves = [[(LANES["left"], 40.0 - 6.0 * k / FPS)] for k in range(4 * FPS)]
    begun, over = happened(play(stands + leaves + [[] for _ in range(10 * FPS)])[1])
    assert (begun.kind, begun.place, begun.until_s) == (EventKind.STOPPED_VEHICLE, "left", None)
    assert begun.since_s < 5
    assert over.since_s == begun.since_s
    assert over.until_s is not None
    assert abs(over.until_s - 50) < 3
    assert begun.quality > 0.9


def test_a_queue_at_the_stop_line_is_no_stopped_vehicle() -> None:
    queue = [(LANES["left"], NEAR_M + 1.5 + 7 * n) for n in range(3)]
    assert happened(play([queue for _ in range(40 * FPS)])[1]) == []


def test_a_queue_to_the_end_of_the_lane_is_a_spillback() -> None:
    queue = [(LANES["left"], NEAR_M + 1.5 + 6.5 * n) for n in range(9)]
    (event,) = happened(play([queue for _ in range(40 * FPS)])[1])
    assert (event.kind, event.place) == (EventKind.QUEUE_SPILLBACK, "left")


def test_who_drives_against_the_lane_is_told_and_nobody_else() -> None:
    against = [
        [(LANES["right"], 15 + 8.0 * k / FPS), (LANES["left"], 60 - 8.0 * k / FPS)] for k in range(5 * FPS)
    ]
    kinds = [(event.kind, event.place) for event in happened(play(against)[1])]
    assert kinds == [(EventKind.WRONG_WAY, "right")]


def test_a_person_on_the_carriageway_is_told_and_one_beside_it_is_not() -> None:
    empty: list[list[Vehicle]] = [[] for _ in range(6 * FPS)]
    assert happened(play(empty, [[(7.0, 25.0)] for _ in empty])[1]) == []
    (event,) = happened(play(empty, [[(-2.0 + 0.5 * k / FPS, 25.0)] for k, _ in enumerate(empty)])[1])
    assert (event.kind, event.place) == (EventKind.PERSON_ON_CARRIAGEWAY, "road")


def test_one_cause_that_comes_and_goes_is_one_event() -> None:
    happenings, told = Happenings(), []
    for second in range(300):
        holds = [(EventKind.WRONG_WAY, "left")] if second % 20 < 10 else []
        told += happenings.update(holds, float(second))
    assert len({happening.since_s for happening in told}) == 1
    assert [happening for happening in told if happening.until_s is None] == told[:1]


def test_who_goes_from_zone_to_zone_is_one_turn_and_dwells_in_each() -> None:
    half = [
        Zone("north", [(0, 0), (1, 0), (1, 0.5), (0, 0.5)]),
        Zone("south", [(0, 0.5), (1, 0.5), (1, 1), (0, 1)]),
    ]
    lines = [CountingLine("middle", (0.0, 0.5), (1.0, 0.5))]
    scene, tracker = Scene(Calibration(zones=half, lines=lines), WIDTH, HEIGHT), Tracker(WIDTH, HEIGHT)
    rng = np.random.default_rng(1)
    noted = [
        scene.update(tracker.update(seen([(0.0, FAR_M - 6 * k / FPS)], rng), k / FPS), k / FPS)
        for k in range(12 * FPS)
    ]
    assert [turn.movement for now in noted for turn in now.turns] == ["north>south"]
    assert [crossing.movement for now in noted for crossing in now.crossings] == ["middle:toward"]
    north, south = scene.collect().zones
    assert north.dwell_s is not None
    assert north.dwell_s > 5
    assert (north.entered, south.entered) == (1, 1)
