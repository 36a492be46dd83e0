"""Rings and barriers: which phase may follow which, and which configurations contradict themselves."""

from typing import Any

import pytest
from msgspec.structs import replace

from citybrain.errors import ConfigError
from citybrain.inspection import check_config
from citybrain.messages import IntersectionConfig, Movement, Phase, Ring
from citybrain.rings import following
from citybrain.rules import Standing, dispose, rules_of
from tests.fixtures.intersections import intersection

# NEMA dual ring, leading lefts: 1 and 5 before 2 and 6, 3 and 7 before 4 and 8, a barrier between them.
RINGS = [Ring([[1, 2], [3, 4]]), Ring([[5, 6], [7, 8]])]
STAGES = [(1, 5), (1, 6), (2, 5), (2, 6), (3, 7), (4, 8)]
"""Phases 0 to 5; 2 has no split of its own, since it and 1 cannot both be in one cycle."""


def dual_ring(**changes: Any) -> IntersectionConfig:
    sides = {group: int(group in {3, 4, 7, 8}) for group in range(1, 9)}
    rings = {group: int(group > 4) for group in range(1, 9)}
    movements = [
        Movement(f"in_{g}", f"out_{g}", foes=[
            other - 1 for other in range(1, 9)
            if other != g and (sides[other] != sides[g] or rings[other] == rings[g])
        ])
        for g in range(1, 9)
    ]  # fmt: skip
    phases = [
        Phase(
            "".join("G" if g in stage else "r" for g in range(1, 9)),
            5.0, 40.0, 0.0 if stage == (2, 5) else 15.0, list(stage),
        )
        for stage in STAGES
    ]  # fmt: skip
    return intersection(movements, phases, **({"rings": RINGS} | changes))


def test_a_dual_ring_is_sound() -> None:
    check_config(dual_ring())


def test_within_a_side_no_ring_goes_back_and_the_other_side_is_always_open() -> None:
    order = following(dual_ring())
    assert order[0] == {1, 2, 3, 4, 5}
    assert order[1] == {3, 4, 5}, "from 1+6 ring 1 may go on to 2, ring 2 may not go back to 5"
    assert order[2] == {3, 4, 5}
    assert order[3] == {4, 5}
    assert order[5] == {0, 1, 2, 3}


def test_without_rings_every_order_is_allowed() -> None:
    assert following(dual_ring(rings=[])) == tuple(frozenset(set(range(6)) - {p}) for p in range(6))


def test_what_the_rings_forbid_is_refused_and_a_starving_phase_is_reached_by_the_other_side() -> None:
    rules = rules_of(dual_ring(), max_red_s=180.0)
    red_s = [0.0] * 8
    refused = dispose(rules, 0, Standing(3, 3, False, 20.0, red_s))
    assert (refused.phase, refused.refusal) == (3, "phase 0 may not follow phase 3 by the rings")
    red_s[4] = 200.0
    forced = dispose(rules, 3, Standing(3, 3, False, 20.0, red_s))
    assert forced.phase in {4, 5}
    assert dispose(rules, 3, Standing(forced.phase, forced.phase, False, 20.0, red_s)).phase == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rings": [Ring([[1, 2], [3, 4]]), Ring([[5, 6], [7, 1]])]}, "stands twice"),
        ({"rings": [Ring([[1, 2], [3, 4]]), Ring([[5, 6, 7, 8]])]}, "unequal numbers of sides"),
        ({"rings": [Ring([[2, 1], [3, 4]]), RINGS[1]]}, "phase 3 may not follow phase 1"),
        ({"rings": [Ring([[1, 2], [3]]), RINGS[1]]}, "phase 5 shows signal groups of no or of several sides"),
        ({"rings": [Ring([[1], [3, 4]]), RINGS[1]]}, "phase 2 shows signal groups of no or"),
    ],
)
def test_rings_that_contradict_the_phases_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        check_config(dual_ring(**changes))


def test_a_phase_must_show_one_group_of_every_ring() -> None:
    config = dual_ring()
    phases = [*config.phases[:-1], replace(config.phases[-1], groups=[4])]
    with pytest.raises(ConfigError, match=r"phase 5 shows 0 signal groups of ring 1; name one of \[7, 8\]"):
        check_config(replace(config, phases=phases))


def test_phases_that_all_lie_on_one_side_are_refused() -> None:
    config = dual_ring()
    with pytest.raises(ConfigError, match="one side"):
        check_config(replace(config, phases=config.phases[:2]))
