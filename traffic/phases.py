"""More phases than a controller's own programs use: each approach alone, with all that does not conflict.

Programs pair opposite approaches, whose left turns then wait for gaps. Where one side is empty, or a lane
mixes left and through, an approach on its own empties quicker. Nothing that conflicts is green together.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from citybrain.conflicts import GREEN, mutual_foes
from citybrain.messages import IntersectionConfig, Phase

MOST_PHASES = 12
"""Planning time grows with the number of phases."""


def with_more_phases(config: IntersectionConfig) -> IntersectionConfig:
    """The same intersection, offering one phase more for each approach that no phase serves alone.

    The new phases have no split: the controller's own plan leaves them out. Intersections with rings or with
    crossings keep what they have: their order, and who walks when, is the controller's matter.
    """
    if config.rings or any(movement.turn == "pedestrian" for movement in config.movements):
        return config
    phases = list(config.phases)
    for indications in _alone(config):
        known = any(_covers(phase.indications, indications) for phase in phases)
        if not known and len(phases) < MOST_PHASES:
            phases.append(_phase(config.phases, indications))
    return replace(config, phases=phases)


def _alone(config: IntersectionConfig) -> Iterable[str]:
    """Indications by approach: its movements protected, then whatever conflicts with nothing green."""
    foes = mutual_foes(config)
    served = [
        m
        for m in range(len(config.movements))
        if any(phase.indications[m] in GREEN for phase in config.phases)
    ]
    on_red = {m for m in served if any(phase.indications[m] == "s" for phase in config.phases)}
    for approach in _approaches(config, served):
        if _mixes_turns(config, approach):
            continue
        green: set[int] = set()
        for m in (*approach, *served):
            if foes[m].isdisjoint(green):
                green.add(m)
        if set(approach) <= green and _lead_on(config, green):
            yield "".join(
                "G" if m in green else ("s" if m in on_red else "r") for m in range(len(config.movements))
            )


def _lead_on(config: IntersectionConfig, green: set[int]) -> bool:
    """Whether who comes to a further stop line of the intersection finds a green there, and clears it."""
    lanes = {lane.lane for lane in config.lanes}
    reached = {config.movements[m].to_lane for m in green} & lanes
    return reached <= {config.movements[m].from_lane for m in green}


def _approaches(config: IntersectionConfig, served: list[int]) -> list[list[int]]:
    """Movements by approach: lanes named alike up to their number, as `road_0` and `road_1`, are one."""
    groups: dict[str, list[int]] = {}
    for m in served:
        groups.setdefault(config.movements[m].from_lane.rpartition("_")[0], []).append(m)
    return list(groups.values())


def _mixes_turns(config: IntersectionConfig, approach: list[int]) -> bool:
    """Whether a lane holds vehicles that yield to oncoming traffic and others that need not."""
    moves = [config.movements[m] for m in approach]
    yielding = {m.from_lane for m in moves if m.turn in {"left", "u_turn"}}
    return any(m.from_lane in yielding for m in moves if m.turn not in {"left", "u_turn"})


def _covers(old: str, new: str) -> bool:
    """Whether a phase lets go, as well or better, whatever `new` lets go."""
    rank = {"G": 3, "g": 2, "s": 3}
    return all(rank.get(a, 0) >= rank.get(b, 0) for a, b in zip(old, new, strict=True))


def _phase(phases: list[Phase], indications: str) -> Phase:
    return Phase(
        indications=indications,
        min_green_s=max(phase.min_green_s for phase in phases),
        max_green_s=max(phase.max_green_s for phase in phases),
        local_green_s=0.0,
    )
