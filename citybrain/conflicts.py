"""Which movements of an intersection conflict: one reading of a configuration for all who use it."""

from citybrain.messages import IntersectionConfig

LEAST_RED_S = 1.0
"""Red, at least, of a movement that clears and goes on in the next phase: yellow never turns green."""


def mutual_foes(config: IntersectionConfig) -> list[frozenset[int]]:
    """The foes of each movement, by index; a conflict that only one of two names is one for both."""
    foes = [set(movement.foes) for movement in config.movements]
    for index, movement in enumerate(config.movements):
        for foe in movement.foes:
            foes[foe].add(index)
    return [frozenset(own) for own in foes]
