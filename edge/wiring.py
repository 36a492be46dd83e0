"""What a controller or relay card is wired for: one JSON file beside the settings, checked before use."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from citybrain.conflicts import GREEN
from citybrain.errors import ConfigError
from citybrain.inspection import check_config
from citybrain.messages import IntersectionConfig, SignalGroup
from citybrain.rules import PEDESTRIAN

NUMBERS: dict[str, Any] = {"boot": 1, "seq": 1}
"""An agent numbers the configuration when it tells it."""


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one movement hangs on: signal groups of a controller (NEMA phases), or outputs of a relay card."""

    protected: list[SignalGroup] = []
    """Groups whose green is a protected green of it (of a crossing: whose walk it is)."""
    permissive: list[SignalGroup] = []
    """Groups whose green lets it go where the others leave a gap."""
    red: int = 0
    yellow: int = 0
    green: int = 0
    """Numbers of outputs, from 1; 0 where there is none."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    intersection: dict[str, Any]
    wires: list[Wire]


@dataclass(frozen=True, slots=True)
class Wiring:
    """The intersection as it is told to others, and a wire for each of its movements."""

    config: IntersectionConfig
    wires: tuple[Wire, ...]

    def is_crossing(self, movement: int) -> bool:
        return self.config.movements[movement].turn == PEDESTRIAN

    def groups(self) -> list[int]:
        """All signal groups, in order."""
        return sorted({group for wire in self.wires for group in (*wire.protected, *wire.permissive)})


def read_wiring(path: Path, intersection: str) -> Wiring:
    """The wiring of `intersection` in the file `path`.

    Raises:
        ConfigError: the file cannot be read, is no wiring, or cannot be driven safely.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
        fields = {
            "type": "intersection_config/1",
            "at": datetime.now(UTC).isoformat(),
            "device": f"signal/{intersection}",
            "intersection": intersection,
        }
        config = msgspec.convert(NUMBERS | fields | found.intersection, IntersectionConfig, strict=False)
    except OSError as error:
        raise ConfigError(f"the wiring {path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the wiring {path} is not valid: {error}") from error
    if config.intersection != intersection:
        raise ConfigError(f"the wiring {path} is of {config.intersection!r}, not of {intersection!r}")
    if len(found.wires) != len(config.movements):
        raise ConfigError(
            f"the wiring {path} has {len(found.wires)} wires for {len(config.movements)} movements; "
            "give each movement its own, in their order"
        )
    check_config(config)
    return Wiring(config, tuple(found.wires))


def check_groups(wiring: Wiring) -> None:
    """Refuse a wiring whose phases are not what their signal groups show.

    Raises:
        ConfigError: names the phase or movement and what to do.
    """
    where = f"signal {wiring.config.intersection}"
    for index, wire in enumerate(wiring.wires):
        if not wire.protected and not wire.permissive:
            raise ConfigError(f"{where}: movement {index} hangs on no signal group; name its groups in wires")
    for index, phase in enumerate(wiring.config.phases):
        if not phase.groups:
            raise ConfigError(f"{where}: phase {index} names no signal groups; set its groups")
        shown = lamps(wiring, Lit(greens=frozenset(phase.groups), walks=walking(wiring, index)))
        if _bare(shown) != _bare(phase.indications):
            raise ConfigError(
                f"{where}: phase {index} is {phase.indications}, but its groups {phase.groups} show {shown}; "
                "correct its groups or the wires"
            )


@dataclass(frozen=True, slots=True)
class Lit:
    """Signal groups by what they show: the greens and yellows of vehicles, the walks of crossings."""

    greens: frozenset[int] = frozenset()
    yellows: frozenset[int] = frozenset()
    walks: frozenset[int] = frozenset()


def lamps(wiring: Wiring, lit: Lit) -> str:
    """The indications by movement that these groups make."""
    return "".join(
        _walk(wire, lit) if wiring.is_crossing(index) else _light(wire, lit)
        for index, wire in enumerate(wiring.wires)
    )


def walking(wiring: Wiring, phase: int) -> frozenset[int]:
    """The groups whose crossings walk in `phase`."""
    shown = wiring.config.phases[phase]
    return frozenset(
        group
        for index, wire in enumerate(wiring.wires)
        if wiring.is_crossing(index) and shown.indications[index] in GREEN
        for group in _meeting(wire.protected, shown.groups)
    )


def _meeting(one: Iterable[int], other: Iterable[int]) -> frozenset[int]:
    return frozenset(one) & frozenset(other)


def _walk(wire: Wire, lit: Lit) -> str:
    return "G" if _meeting(wire.protected, lit.walks) else "r"


def _light(wire: Wire, lit: Lit) -> str:
    if _meeting(wire.protected, lit.greens):
        return "G"
    if _meeting(wire.protected, lit.yellows):
        return "y"
    if _meeting(wire.permissive, lit.greens):
        return "g"
    return "y" if _meeting(wire.permissive, lit.yellows) else "r"


def _bare(indications: str) -> str:
    return indications.replace("s", "r")
