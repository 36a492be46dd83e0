"""What a .sumocfg says of its files, its hours and how its vehicles behave; its outputs are left out."""

import re
from pathlib import Path
from typing import NamedTuple

from citybrain.errors import ConfigError
from simulations.scenario import HOUR_S
from simulations.sumoxml import read_root, seconds

CARRIED = re.compile(
    r"scale|ignore-route-errors|random-depart-offset|lateral-resolution|lanechange\.duration|eager-insert"
    r"|ignore-junction-blocker|default\.[a-z.-]+|pedestrian\.[a-z.-]+|tls\.[a-z.-]+"
    r"|device\.(rerouting|driverstate|glosa|taxi)\.(?!output|file)[a-z.-]+"
)
"""SUMO's options that change how vehicles behave, and nothing else (no outputs, no step length)."""


class SumoConfig(NamedTuple):
    """The parts of one .sumocfg."""

    net: Path
    routes: tuple[Path, ...]
    additional: tuple[Path, ...]
    begin_s: float
    end_s: float
    options: tuple[tuple[str, str], ...]


def read_sumocfg(path: Path) -> SumoConfig:
    """Read the configuration; its hours default to one hour from 0.

    Raises:
        ConfigError: it cannot be read, names no net-file or a file that is not there, or a time is none.
    """
    values = {element.tag: element.get("value", "") for element in read_root(path).iter()}
    nets = files_of(path, _listed(values, "net-file", "net", "n"))
    if len(nets) != 1:
        raise ConfigError(f"scenario file {path} names no net-file: give it one")
    begin = time_of(path, "begin", _listed(values, "begin", "b"), 0.0)
    end = time_of(path, "end", _listed(values, "end", "e"), begin + HOUR_S)
    # SUMO writes -1 for "until the last vehicle has arrived"; a study needs an end.
    end = end if end >= 0 else begin + HOUR_S
    return SumoConfig(
        nets[0],
        files_of(path, _listed(values, "route-files", "routes", "r")),
        files_of(path, _listed(values, "additional-files", "additional", "a")),
        begin,
        end,
        tuple((name, value) for name, value in values.items() if CARRIED.fullmatch(name)),
    )


def files_of(config: Path, listed: str) -> tuple[Path, ...]:
    """The files of a comma-separated list, relative to the folder of `config`."""
    files = tuple(config.parent / name.strip() for name in listed.split(",") if name.strip())
    for file in files:
        if not file.is_file():
            raise ConfigError(f"scenario file {config} names {file.name}, which is not there")
    return files


def time_of(path: Path, field: str, text: str, default: float) -> float:
    """A time of the file in seconds."""
    try:
        return seconds(text) if text else default
    except ValueError:
        raise ConfigError(
            f"scenario file {path}: {field} {text!r} is no time: use seconds or hours:minutes:seconds"
        ) from None


def _listed(values: dict[str, str], *names: str) -> str:
    return next((values[name] for name in names if values.get(name)), "")
