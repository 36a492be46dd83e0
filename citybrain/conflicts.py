"""Which movements of an intersection conflict: one reading of a configuration for all who use it."""

from citybrain.messages import IntersectionConfig

GREEN = frozenset("Gg")
"""Indications that let a movement go, protected or permissive."""


def mutual_foes(config: IntersectionConfig) -> list[frozenset[int]]:
    """The foes of each movement, by index; a conflict that only one of two names is one for both."""
    foes = [set(movement.foes) for movement in config.movements]
    for index, movement in enumerate(config.movements):
        for foe in movement.foes:
            foes[foe].add(index)
    return [frozenset(own) for own in foes]


def conflicts(config: IntersectionConfig, indications: str) -> list[tuple[int, int]]:
    """Pairs of movements whose paths conflict and that are both protected green."""
    return [
        (one, other)
        for one, movement in enumerate(config.movements)
        for other in movement.foes
        if indications[one] == "G" == indications[other]
    ]
