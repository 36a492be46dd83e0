"""Phases beyond the controller's own: each approach alone, nothing that conflicts green together."""

from msgspec.structs import replace

from citybrain.conflicts import GREEN, mutual_foes
from citybrain.messages import ApproachLane, Feeder, IntersectionConfig, Movement
from citybrain.rules import rules_of
from tests.fixtures.crossing import crossing
from traffic.network import build_network
from traffic.phases import with_more_phases

ARMS = ("west", "north", "east", "south")


def separate_lanes() -> IntersectionConfig:
    """The crossing with a lane of its own for each movement; opposite approaches share their phases."""
    config = crossing(phases=("GgrrGgrr", "rrGgrrGg"))
    movements = [
        replace(move, from_lane=f"{ARMS[m // 2]}_{m % 2}") for m, move in enumerate(config.movements)
    ]
    lanes = [ApproachLane(move.from_lane, 200.0, 13.9, [(7.0, 51.0), (7.001, 51.0)]) for move in movements]
    return replace(config, lanes=lanes, movements=movements)


def conflict(config: IntersectionConfig, indications: str) -> bool:
    foes = mutual_foes(config)
    protected = [m for m, shown in enumerate(indications) if shown == "G"]
    return any(not foes[m].isdisjoint(protected) for m in protected)


def test_each_approach_with_lanes_for_its_turns_can_be_served_alone() -> None:
    config = separate_lanes()
    added = with_more_phases(config).phases[len(config.phases) :]
    assert len(added) == 4
    for arm, phase in enumerate(added):
        assert phase.indications[2 * arm : 2 * arm + 2] == "GG"
        assert phase.local_green_s == 0.0
        assert not conflict(config, phase.indications)


def test_an_approach_that_mixes_turns_on_a_lane_gets_no_phase_of_its_own() -> None:
    config = crossing()
    assert with_more_phases(config).phases == config.phases


def test_nobody_is_left_standing_at_a_stop_line_inside_the_intersection() -> None:
    config = separate_lanes()
    onward = Movement("inside_0", "east-out", [*config.movements[0].foes, 1], [], "through")
    movements = [replace(config.movements[0], to_lane="inside_0"), *config.movements[1:], onward]
    lanes = [*config.lanes, replace(config.lanes[0], lane="inside_0", feeders=[Feeder("inside_0", 0.2)])]
    phases = [
        replace(phase, indications=phase.indications + end)
        for phase, end in zip(config.phases, "Gr", strict=True)
    ]
    gyratory = replace(config, movements=movements, lanes=lanes, phases=phases)
    for phase in with_more_phases(gyratory).phases[len(phases) :]:
        assert phase.indications[0] != "G" or phase.indications[8] == "G"
    net, _ = build_network([gyratory])
    assert net.movement_exit[0] == -1, "its few metres are no storage that could be full"


def test_what_the_controller_already_offers_is_not_added_again() -> None:
    once = with_more_phases(separate_lanes())
    assert with_more_phases(once).phases == once.phases


def test_a_permissive_green_does_not_end_while_oncoming_traffic_goes_on() -> None:
    config = with_more_phases(separate_lanes())
    rules = rules_of(config)
    for then in range(2, 6):
        shown = config.phases[then].indications
        trap = any(
            config.phases[0].indications[m] == "g" and shown[m] not in GREEN and shown[foe] in GREEN
            for m in (1, 5)
            for foe in config.movements[m].yields_to
        )
        assert (then in rules.order[0]) != trap
    relaxed = rules_of(replace(config, has_yellow_traps=True))
    assert relaxed.order[0] == frozenset(range(1, 6))


def test_a_crossing_with_pedestrians_keeps_its_own_phases() -> None:
    config = separate_lanes()
    walk = Movement("walk", ":walk", [], [], "pedestrian")
    phases = [replace(phase, indications=phase.indications + "r") for phase in config.phases]
    walked = replace(config, movements=[*config.movements, walk], phases=phases)
    assert with_more_phases(walked).phases == phases
