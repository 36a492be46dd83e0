"""Which simulated cities there are: networks with demand, by name or by path."""

from pathlib import Path

from citybrain.errors import ConfigError
from citybrain.paths import data_dir
from simulations.quiet import quiet_files
from simulations.scenario import HOUR_S, Scenario
from simulations.scenario_file import SUFFIX, name_of, read_scenario_file
from simulations.scheduled import demand
from simulations.sumocfg import read_sumocfg

__all__ = [
    "Scenario", "demand", "find_scenario", "own_folder", "own_scenario_files", "scenario_names",
]  # fmt: skip

_KNOWN = Path(__file__).parent / "known"


def scenario_names() -> tuple[str, ...]:
    """The names that City Brain brings, beside the user's own and paths."""
    return tuple(sorted(name_of(path) for path in _KNOWN.glob(f"*{SUFFIX}")))


def own_folder() -> Path:
    """Where imported and generated scenarios go by default."""
    return data_dir() / "scenarios"


def own_scenario_files() -> dict[str, Path]:
    """The user's own scenario files by name, from `own_folder` and the folders in it."""
    folder = own_folder()
    found = sorted([*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*/*{SUFFIX}")])
    return {name_of(path): path for path in found}


def find_scenario(name: str) -> Scenario:
    """The scenario called `name`, or at that path.

    A path is that of a .scenario.toml, of a folder with one of these, of a .sumocfg, or of a .net.xml beside
    its .rou.xml.

    Raises:
        ConfigError: unknown, or a file of it is missing; names the known scenarios or the file.
    """
    if name in scenario_names():
        return read_scenario_file(_KNOWN / f"{name}{SUFFIX}")
    own = own_scenario_files()
    if name in own:
        return read_scenario_file(own[name])
    path = Path(name).expanduser()
    if path.is_dir():
        path = _only_file(path)
    if not path.is_file():
        raise ConfigError(
            f"scenario {name!r} is unknown: use one of {', '.join([*scenario_names(), *own])}, "
            "or the path of a .scenario.toml, .sumocfg or .net.xml"
        )
    if path.name.endswith(SUFFIX):
        return read_scenario_file(path)
    return _from_config(path) if path.suffix == ".sumocfg" else _from_net(path)


def _only_file(folder: Path) -> Path:
    for pattern in (f"*{SUFFIX}", "*.sumocfg"):
        found = sorted(folder.glob(pattern))
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(f"{folder} holds {len(found)} scenarios: name one, e.g. {found[0]}")
    raise ConfigError(f"{folder} holds no {SUFFIX} and no .sumocfg: name a scenario's file")


def _from_config(path: Path) -> Scenario:
    parts = read_sumocfg(path)
    stem = path.name.split(".")[0]
    return Scenario(
        path.resolve().parent.name if stem in {"run", "osm", "sumo"} else stem,
        parts.net,
        parts.routes,
        quiet_files(parts.additional),
        parts.begin_s,
        parts.end_s,
        str(path),
        "see its folder",
        options=parts.options,
    )


def _from_net(path: Path) -> Scenario:
    stem = path.name.split(".")[0]
    routes = tuple(sorted(path.parent.glob(f"{stem}*.rou.xml*")))
    if ".net.xml" not in path.name or not routes:
        raise ConfigError(
            f"scenario {str(path)!r} needs a .sumocfg, or a .net.xml with {stem}.rou.xml beside it"
        )
    return Scenario(stem, path, routes, (), 0.0, HOUR_S, str(path), "see its folder")
