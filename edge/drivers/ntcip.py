"""The objects of NTCIP 1202 that the driver reads and sets, and phases as bit masks. Pure.

Object names are those of the standard; a group object covers eight phases, phase 1 in its lowest bit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from edge.drivers.snmp import Oid
from edge.wiring import Lit

ASC: Oid = (1, 3, 6, 1, 4, 1, 1206, 4, 2, 1)
"""Actuated signal controllers."""
MAX_PHASES: Oid = (*ASC, 1, 1, 0)
PHASE_ENTRY: Oid = (*ASC, 1, 2, 1)
STATUS_ENTRY: Oid = (*ASC, 1, 4, 1)
CONTROL_ENTRY: Oid = (*ASC, 1, 5, 1)
UNIT_BACKUP_TIME: Oid = (*ASC, 3, 3, 0)
UNIT_CONTROL_STATUS: Oid = (*ASC, 3, 5, 0)
UNIT_FLASH_STATUS: Oid = (*ASC, 3, 6, 0)
PATTERN_STATUS: Oid = (*ASC, 4, 10, 0)
SYSTEM_PATTERN: Oid = (*ASC, 4, 14, 0)

PER_GROUP = 8
PATTERN_FREE = 254
PATTERN_FLASH = 255
NOT_FLASHING = 2
"""unitFlashStatus; everything else is a flash or its reason."""
FLASHES = {3: "automatic", 4: "local manual", 5: "fault monitor", 6: "MMU", 7: "start-up", 8: "preempt"}
MANUAL = 5
"""unitControlStatus: somebody stands at the cabinet."""


class Phase(IntEnum):
    """Columns of phaseTable."""

    WALK = 2
    PED_CLEAR = 3
    MIN_GREEN = 4
    YELLOW = 8
    RED_CLEAR = 9
    RING = 22


class Status(IntEnum):
    """Columns of phaseStatusGroupTable."""

    YELLOWS = 3
    GREENS = 4
    PED_CLEARS = 6
    WALKS = 7
    ONS = 10
    NEXTS = 11


class Control(IntEnum):
    """Columns of phaseControlGroupTable."""

    OMIT = 2
    PED_OMIT = 3
    HOLD = 4
    FORCE_OFF = 5
    VEH_CALL = 6
    PED_CALL = 7


@dataclass(frozen=True, slots=True)
class Standing:
    """What a controller shows and does."""

    lit: Lit
    ons: frozenset[int]
    flash: int
    control: int
    pattern: int

    @property
    def refusal(self) -> str:
        """Why it takes no orders now."""
        if self.flash != NOT_FLASHING or self.pattern == PATTERN_FLASH:
            return f"the controller flashes ({FLASHES.get(self.flash, 'by pattern')})"
        return "somebody times the signal by hand at the cabinet" if self.control == MANUAL else ""


def status_oids(blocks: int) -> list[Oid]:
    """All that `standing` reads of a controller with `blocks` times eight phases."""
    grouped = [(*STATUS_ENTRY, column, block) for block in range(1, blocks + 1) for column in Status]
    return [*grouped, UNIT_FLASH_STATUS, UNIT_CONTROL_STATUS, PATTERN_STATUS]


def standing(found: Mapping[Oid, int], blocks: int) -> Standing:
    """What the values of `status_oids` say."""

    def groups(column: Status) -> frozenset[int]:
        masks = [found[(*STATUS_ENTRY, column, block)] for block in range(1, blocks + 1)]
        return frozenset(unmasked(masks))

    lit = Lit(groups(Status.GREENS), groups(Status.YELLOWS), groups(Status.WALKS))
    return Standing(
        lit,
        groups(Status.ONS),
        found[UNIT_FLASH_STATUS],
        found[UNIT_CONTROL_STATUS],
        found[PATTERN_STATUS],
    )


@dataclass(frozen=True, slots=True)
class Orders:
    """The bits of phaseControlGroupTable, as groups."""

    omit: frozenset[int] = frozenset()
    ped_omit: frozenset[int] = frozenset()
    hold: frozenset[int] = frozenset()
    force_off: frozenset[int] = frozenset()
    veh_call: frozenset[int] = frozenset()
    ped_call: frozenset[int] = frozenset()

    def values(self, blocks: int) -> dict[Oid, int]:
        """The objects to set."""
        columns = {
            Control.OMIT: self.omit,
            Control.PED_OMIT: self.ped_omit,
            Control.HOLD: self.hold,
            Control.FORCE_OFF: self.force_off,
            Control.VEH_CALL: self.veh_call,
            Control.PED_CALL: self.ped_call,
        }
        return {
            (*CONTROL_ENTRY, column, block): mask
            for column, groups in columns.items()
            for block, mask in enumerate(masked(groups, blocks), 1)
        }


def toward(wanted: frozenset[int], walking: frozenset[int], known: frozenset[int], now: Standing) -> Orders:
    """The orders that bring a controller to `wanted` green groups, and keep it there.

    walking: of those, the groups whose crossings are to walk. known: all groups of the wiring. What is green
    and wanted is held, what is on and not wanted is forced off, and nothing else may come in between. The
    controller keeps its own minimum greens, pedestrian clearances, yellows and red clearances throughout.
    """
    return Orders(
        omit=known - wanted,
        ped_omit=known - walking,
        hold=wanted & now.lit.greens,
        force_off=now.ons - wanted,
        veh_call=wanted,
        ped_call=walking,
    )


def masked(groups: Iterable[int], blocks: int) -> list[int]:
    """Bit masks, eight groups each."""
    masks = [0] * blocks
    for group in groups:
        block, bit = divmod(group - 1, PER_GROUP)
        masks[block] |= 1 << bit
    return masks


def unmasked(masks: Iterable[int]) -> list[int]:
    """The groups in bit masks."""
    return [
        block * PER_GROUP + bit + 1
        for block, mask in enumerate(masks)
        for bit in range(PER_GROUP)
        if mask >> bit & 1
    ]
