"""Which phases a fixed plan may show, and in which order: every movement once at least in a cycle."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from citybrain.conflicts import GREEN
from citybrain.messages import IntersectionConfig
from traffic.platoons import MAX_ENTRIES

MAX_SUBSETS = 60
_MOST_PHASES = 6
"""More than this are shown in one cycle only where nothing less serves everybody."""


def phase_sets(config: IntersectionConfig) -> list[tuple[int, ...]]:
    """Sets of phases that serve every movement that any phase serves, small ones and the whole set first.

    The whole set is left out where it does not fit in a plan. At most `MAX_SUBSETS`.
    """
    served = [_served(phase.indications) for phase in config.phases]
    everybody = frozenset().union(*served)
    count = len(served)
    found = [tuple(range(count))] if count <= MAX_ENTRIES else []
    for size in range(1, min(count, _MOST_PHASES + 1)):
        for chosen in combinations(range(count), size):
            if frozenset().union(*(served[p] for p in chosen)) == everybody:
                found.append(chosen)
                if len(found) >= MAX_SUBSETS:
                    return found
    return found or [_greedy(served, everybody)]


def orders(phases: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All cyclic orders of up to five phases, from the first one; of more, only the given one."""
    if len(phases) > 5:
        yield tuple(phases)
        return
    for rest in permutations(phases[1:]):
        yield (phases[0], *rest)


def doubled(sequence: tuple[int, ...]) -> tuple[int, ...] | None:
    """The sequence twice in one cycle, where it is short enough: half the cycle for a small intersection."""
    return sequence * 2 if 2 <= len(sequence) <= MAX_ENTRIES // 2 else None


def _served(indications: str) -> frozenset[int]:
    return frozenset(m for m, shown in enumerate(indications) if shown in GREEN)


def _greedy(served: list[frozenset[int]], everybody: frozenset[int]) -> tuple[int, ...]:
    chosen: list[int] = []
    missing = everybody
    while missing and len(chosen) < MAX_ENTRIES:
        best = max(range(len(served)), key=lambda p: len(served[p] & missing))
        chosen.append(best)
        missing -= served[best]
    return tuple(sorted(chosen))
