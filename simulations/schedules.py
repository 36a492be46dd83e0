"""Signal programs that switch by the hour (SUMO's WAUT): which one is valid at an instant."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.quiet import copied
from simulations.sumoxml import read_root, seconds

_SCHEDULE = ("WAUT", "wautJunction")


def as_of(files: tuple[Path, ...], at_s: float) -> tuple[Path, ...]:
    """These additional files without schedules: each scheduled signal has the program valid at `at_s` alone.

    Files in which nothing changes are returned as they are; a copy lives as long as this process.

    Raises:
        ConfigError: a file cannot be read as XML, or a time in a schedule is none.
    """
    roots = {file: read_root(file) for file in files}
    valid = valid_programs(roots.values(), at_s)
    return tuple(
        copied(file, root, f"as of {at_s}") if valid and _pin(root, valid) else file
        for file, root in roots.items()
    )


def valid_programs(roots: Iterable[ET.Element], at_s: float) -> dict[str, str]:
    """The program of each scheduled traffic light at `at_s`, as SUMO switches.

    A schedule begins with its `startProg`; a switch comes at `refTime` plus its own time.
    """
    elements = [element for root in roots for element in root.iter() if element.tag in _SCHEDULE]
    programs = {e.get("id", ""): _program(e, at_s) for e in elements if e.tag == "WAUT"}
    return {
        e.get("junctionID", ""): programs[e.get("wautID", "")]
        for e in elements
        if e.tag == "wautJunction" and e.get("wautID") in programs
    }


def _program(schedule: ET.Element, at_s: float) -> str:
    program = schedule.get("startProg", "")
    try:
        reference_s = seconds(schedule.get("refTime", "0"))
        switches = sorted(
            (reference_s + seconds(switch.get("time", "0")), place, switch.get("to", ""))
            for place, switch in enumerate(schedule.iter("wautSwitch"))
        )
    except ValueError as error:
        raise ConfigError(f"WAUT {schedule.get('id')!r}: {error}: give times in seconds or h:m:s") from error
    for time_s, _, name in switches:
        program = name if time_s <= at_s else program
    return program


def _pin(root: ET.Element, valid: dict[str, str]) -> bool:
    """Take schedules and the programs that are not valid out of the file; whether there were any."""
    gone = [
        element
        for element in root
        if element.tag in _SCHEDULE
        or (
            element.tag == "tlLogic"
            and valid.get(element.get("id", ""), element.get("programID")) != element.get("programID")
        )
    ]
    for element in gone:
        root.remove(element)
    return bool(gone)
