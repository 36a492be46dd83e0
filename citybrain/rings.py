"""Ring-and-barrier order: which phase may follow which, where a controller has rings (NEMA TS 2).

Each ring serves its signal groups one after the other; all rings pass a barrier together. So the groups that
are green together lie on one side, one of each ring, and within a side no ring goes back: a group that was
passed comes again only after the other side. Groups and whole sides may be skipped. A controller without
rings may go from any phase to any other.
"""

from itertools import pairwise

from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig

Place = tuple[int, dict[int, int]]
"""Side, and place in the side's order by ring."""


def following(config: IntersectionConfig) -> tuple[frozenset[int], ...]:
    """For each phase, those that may come directly after it; all others where there are no rings.

    Raises:
        ConfigError: as `check_rings`.
    """
    everything = range(len(config.phases))
    if not config.rings:
        return tuple(frozenset(b for b in everything if b != a) for a in everything)
    places = [_place(config, phase) for phase in everything]
    return tuple(
        frozenset(b for b in everything if b != a and _may_follow(places[a], places[b])) for a in everything
    )


def planned(config: IntersectionConfig) -> list[int]:
    """The phases of the controller's own plan, in order: those with a split, or all where none has one."""
    return [p for p, phase in enumerate(config.phases) if phase.local_green_s > 0] or [
        *range(len(config.phases))
    ]


def check_rings(config: IntersectionConfig) -> None:
    """Refuse rings and phases that contradict each other.

    Raises:
        ConfigError: names the phase, ring or group, and what to do.
    """
    if not config.rings:
        return
    where = f"signal {config.intersection}"
    groups = [group for ring in config.rings for side in ring.sides for group in side]
    if len(groups) != len(set(groups)):
        raise ConfigError(f"{where}: a signal group stands twice in its rings; name each once")
    if len({len(ring.sides) for ring in config.rings}) > 1:
        raise ConfigError(f"{where}: its rings have unequal numbers of sides; an empty side is []")
    allowed = following(config)
    if len(config.phases) > 1 and len({_place(config, p)[0] for p in range(len(config.phases))}) == 1:
        raise ConfigError(f"{where}: all its phases lie on one side of its rings, which never go back")
    plan = planned(config)
    for phase, then in pairwise([*plan, plan[0]]):
        if phase != then and then not in allowed[phase]:
            raise ConfigError(
                f"{where}: phase {then} may not follow phase {phase} by its rings; "
                "list the phases that have a local_green_s in an order that the rings allow"
            )


def _place(config: IntersectionConfig, phase: int) -> Place:
    where = f"signal {config.intersection}: phase {phase}"
    shown = set(config.phases[phase].groups)
    sides = [b for b in range(len(config.rings[0].sides)) if shown & _groups(config, b)]
    if len(sides) != 1 or not shown <= _groups(config, sides[0]):
        raise ConfigError(f"{where} shows signal groups of no or of several sides; name groups of one side")
    places: dict[int, int] = {}
    for ring, own in enumerate(config.rings):
        order = own.sides[sides[0]]
        green = [place for place, group in enumerate(order) if group in shown]
        if order and len(green) != 1:
            raise ConfigError(f"{where} shows {len(green)} signal groups of ring {ring}; name one of {order}")
        if green:
            places[ring] = green[0]
    return sides[0], places


def _groups(config: IntersectionConfig, side: int) -> set[int]:
    return {group for ring in config.rings for group in (ring.sides[side] if side < len(ring.sides) else ())}


def _may_follow(now: Place, then: Place) -> bool:
    (side, places), (next_side, next_places) = now, then
    return side != next_side or all(next_places[ring] >= place for ring, place in places.items())
