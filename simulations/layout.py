"""What an engineer calls the parts of a simulated signal: approaches, NEMA-like phases, detectors."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from citybrain.messages import IntersectionConfig
from simulations.netfile import NetFile, NetLane
from simulations.network import UNUSED, SignalNetwork

PRESENCE_M = 12.0
"""Length of the presence zone behind the stop line (40 ft; two cars)."""
COUNT_M = 2.0
ADVANCE_M = 2.0
SETBACK_S = 5.0
"""Travel time at the speed limit from the advance detector to the stop line."""
FIRST_EXTRA = 9
"""Groups beyond the eight phases of a dual-ring controller are numbered from here."""
ADVANCE, PRESENCE, CROSSING, COUNT = "Advance", "Presence", "Yellow_Red", "Stop bar count"
"""Detector functions by the names that the package `atspm` knows.

The last two are the same loop just beyond the stop line, where no waiting vehicle stands. Where a lane serves
two phases nobody can tell which signal a vehicle obeyed, and it only counts."""
_SLOTS = (2, 4, 6, 8)
_LEFT_OF = {2: 5, 4: 7, 6: 1, 8: 3}
_COMPASS = ("NB", "NEB", "EB", "SEB", "SB", "SWB", "WB", "NWB")


@dataclass(frozen=True, slots=True)
class Approach:
    """An edge that leads to a signal; `label` as in "EB Main Street", `bearing_deg` clockwise from north."""

    intersection: str
    edge: str
    label: str
    bearing_deg: float
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """Movements of one approach that are always green together; `phase` is its number in the event log."""

    phase: int
    approach: str
    movements: tuple[int, ...]
    turns: tuple[str, ...]

    @property
    def is_pedestrian(self) -> bool:
        return self.turns == ("pedestrian",)

    @property
    def is_left(self) -> bool:
        return set(self.turns) <= {"left", "u_turn"}


@dataclass(frozen=True, slots=True)
class Detector:
    """A loop of one approach lane and the phase it calls, `near_m` to `far_m` before the stop line.

    Negative metres are beyond the line.
    """

    channel: int
    lane: str
    phase: int
    function: str
    near_m: float
    far_m: float
    travel_s: float
    """At the speed limit from its far edge to the stop line."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One signal; `name` is its streets, or its id where they have no names."""

    intersection: str
    name: str
    approaches: tuple[Approach, ...]
    groups: tuple[SignalGroup, ...]
    detectors: tuple[Detector, ...]

    def phase_of(self, movements: Iterable[int]) -> int | None:
        """The phase that serves most of these movements; None where no group has one of them."""
        wanted = set(movements)
        best = max(self.groups, key=lambda group: len(wanted.intersection(group.movements)), default=None)
        return best.phase if best is not None and wanted.intersection(best.movements) else None


def layouts(network: SignalNetwork) -> dict[str, Layout]:
    """All signals of a network, by intersection id."""
    return {id_: _layout(network, config) for id_, config in network.configs.items()}


def compass(bearing_deg: float) -> str:
    """The direction of travel as on a signal plan: NB, NEB, EB and so on."""
    return _COMPASS[round(bearing_deg / 45.0) % 8]


def _layout(network: SignalNetwork, config: IntersectionConfig) -> Layout:
    approaches = _approaches(network.net, config)
    slots = _slots(network.net, approaches)
    groups = _groups(network.net, config, slots)
    name = config.name or config.intersection
    return Layout(config.intersection, name, approaches, groups, _detectors(network, config, groups))


def _approaches(net: NetFile, config: IntersectionConfig) -> tuple[Approach, ...]:
    by_edge: dict[str, list[str]] = defaultdict(list)
    for lane in config.lanes:
        by_edge[net.lanes[lane.lane].edge].append(lane.lane)
    found, taken = [], set()
    for edge, lanes in by_edge.items():
        bearing = _bearing(net.lanes[lanes[0]])
        label = f"{compass(bearing)} {net.edges[edge].name}".strip()
        if label in taken:
            label = f"{label} ({edge[-8:]})"
        taken.add(label)
        found.append(Approach(config.intersection, edge, label, bearing, tuple(lanes)))
    return tuple(found)


def _bearing(lane: NetLane) -> float:
    """Of the last stretch that is long enough to have a direction, clockwise from north."""
    end = lane.shape[-1]
    for start in reversed(lane.shape[:-1]):
        if math.dist(start, end) > 5.0 or start == lane.shape[0]:
            return math.degrees(math.atan2(end[0] - start[0], end[1] - start[1])) % 360.0
    return 0.0


def _slots(net: NetFile, approaches: tuple[Approach, ...]) -> dict[str, int]:
    """The even phase of each approach: 2 for the widest and quickest, then 4, 6, 8 clockwise."""
    if not approaches:
        return {}
    main = max(approaches, key=lambda a: sum(net.lanes[lane].speed_mps for lane in a.lanes))
    free = {phase: (main.bearing_deg + 90.0 * index) % 360.0 for index, phase in enumerate(_SLOTS)}
    pairs = sorted(
        (_turn_deg(approach.bearing_deg, bearing), phase, approach.edge)
        for approach in approaches
        for phase, bearing in free.items()
    )
    slots: dict[str, int] = {}
    for _, phase, edge in pairs:
        if edge not in slots and phase not in slots.values():
            slots[edge] = phase
    return slots


def _turn_deg(one: float, other: float) -> float:
    return abs((one - other + 180.0) % 360.0 - 180.0)


def _groups(net: NetFile, config: IntersectionConfig, slots: dict[str, int]) -> tuple[SignalGroup, ...]:
    """Vehicle groups first, then pedestrians, which take the phase of the vehicles that they walk with."""
    members: dict[tuple[str, frozenset[int]], list[int]] = defaultdict(list)
    walks: dict[frozenset[int], list[int]] = defaultdict(list)
    for index, movement in enumerate(config.movements):
        pattern = frozenset(p for p, phase in enumerate(config.phases) if phase.indications[index] in "Gg")
        if movement.turn == "pedestrian":
            walks[pattern].append(index)
        elif movement.from_lane != UNUSED:
            members[net.lanes[movement.from_lane].edge, pattern].append(index)
    numbers = _numbers(config, members, slots)
    groups = [
        SignalGroup(numbers[key], key[0], tuple(found), _turns(config, found))
        for key, found in members.items()
    ]
    phases = {key[1]: numbers[key] for key in sorted(members, key=lambda key: -numbers[key])}
    extra = max([FIRST_EXTRA - 1, *numbers.values()])
    for pattern, found in walks.items():
        extra += pattern not in phases
        groups.append(SignalGroup(phases.get(pattern, extra), "", tuple(found), ("pedestrian",)))
    return tuple(sorted(groups, key=lambda group: (group.is_pedestrian, group.phase)))


def _numbers(
    config: IntersectionConfig,
    members: dict[tuple[str, frozenset[int]], list[int]],
    slots: dict[str, int],
) -> dict[tuple[str, frozenset[int]], int]:
    numbers: dict[tuple[str, frozenset[int]], int] = {}
    extra = FIRST_EXTRA
    # The group with the most through movements is the approach's own phase.
    ordered = sorted(members, key=lambda key: -_throughs(config, members[key]))
    for key in ordered:
        slot = slots.get(key[0], 0)
        left = _LEFT_OF.get(slot, 0) if set(_turns(config, members[key])) <= {"left", "u_turn"} else 0
        wanted = left if left and slot in numbers.values() else slot
        if not wanted or wanted in numbers.values():
            wanted, extra = extra, extra + 1
        numbers[key] = wanted
    return numbers


def _throughs(config: IntersectionConfig, movements: list[int]) -> int:
    return sum(config.movements[index].turn == "through" for index in movements)


def _turns(config: IntersectionConfig, movements: list[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(config.movements[index].turn for index in movements))


def _detectors(
    network: SignalNetwork, config: IntersectionConfig, groups: tuple[SignalGroup, ...]
) -> tuple[Detector, ...]:
    phases, shared = _phases_of_lanes(config, groups)
    found: list[Detector] = []
    for lane in config.lanes:
        view = network.views[lane.lane]
        view_m = max(stretch.offset_m + stretch.length_m for stretch in view)
        speed = max(lane.speed_limit_mps, 1.0)
        # Nearer than the limit's distance on an approach that is too short for it.
        setback_m = max(COUNT_M, min(SETBACK_S * speed, 0.8 * view_m))
        reach_m = min(PRESENCE_M, view_m)
        count = COUNT if lane.lane in shared else CROSSING
        zones = (
            (ADVANCE, setback_m, setback_m + ADVANCE_M),
            (PRESENCE, 0.0, reach_m),
            (count, -COUNT_M, 0.0),
        )
        for function, near_m, far_m in zones:
            phase = phases[lane.lane]
            found.append(
                Detector(len(found) + 1, lane.lane, phase, function, near_m, far_m, round(far_m / speed, 2))
            )
    return tuple(found)


def _phases_of_lanes(
    config: IntersectionConfig, groups: tuple[SignalGroup, ...]
) -> tuple[dict[str, int], set[str]]:
    """The phase of each lane, that of its through movement where it has one; the lanes that have several."""
    by_movement = {m: group.phase for group in groups if not group.is_pedestrian for m in group.movements}
    phases: dict[str, int] = {}
    shared: set[str] = set()
    for index, movement in enumerate(config.movements):
        if index not in by_movement:
            continue
        if phases.get(movement.from_lane, by_movement[index]) != by_movement[index]:
            shared.add(movement.from_lane)
        if movement.from_lane not in phases or movement.turn == "through":
            phases[movement.from_lane] = by_movement[index]
    return phases, shared
