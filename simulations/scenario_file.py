"""The files `NAME.scenario.toml`: a scenario by its network, demand, source and licence."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from citybrain.errors import ConfigError
from simulations.quiet import quiet_files
from simulations.scenario import HOUR_S, Scenario
from simulations.sumocfg import CARRIED, SumoConfig, read_sumocfg, time_of

SUFFIX = ".scenario.toml"
WHEEL = "sumo-rl:"
"""Before a path inside the network folder of the wheel `sumo-rl`."""


class ScenarioFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What such a file may hold; paths are relative to it. Either `config`, or `net` and `routes`."""

    config: str = ""
    net: str = ""
    routes: list[str] = []
    additional: list[str] = []
    begin: float | str = ""
    end: float | str = ""
    source: str = ""
    licence: str = ""
    resco_yellow_s: Annotated[float, Meta(ge=1, le=10)] = 3.0
    corridor: list[str] = []
    notes: str = ""
    sumo: dict[str, str | float | bool] = {}


def read_scenario_file(path: Path) -> Scenario:
    """The scenario in the file.

    Raises:
        ConfigError: it cannot be read, a field is wrong, or a file that it names is not there.
    """
    try:
        told = msgspec.toml.decode(path.read_bytes(), type=ScenarioFile)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ConfigError(f"scenario file {path}: {error}") from error
    parts = _parts(path, told)
    if parts.end_s <= parts.begin_s:
        raise ConfigError(f"scenario file {path}: end must lie after begin")
    return Scenario(
        name_of(path),
        parts.net,
        parts.routes,
        quiet_files(parts.additional),
        parts.begin_s,
        parts.end_s,
        told.source or str(path),
        told.licence or "not given",
        told.resco_yellow_s,
        tuple(told.corridor),
        told.notes,
        parts.options,
    )


def name_of(path: Path) -> str:
    """The scenario's name: the file's, without its suffix."""
    return path.name.removesuffix(SUFFIX)


def write_scenario_file(path: Path, told: ScenarioFile) -> None:
    """Write the file with the fields that are given, each on a line of its own."""
    fields = msgspec.to_builtins(told)
    default = msgspec.to_builtins(ScenarioFile())
    lines = [
        # JSON's strings, numbers and lists of them are TOML's too.
        f"{name} = {msgspec.json.encode(value).decode()}"
        for name, value in fields.items()
        if value != default[name] and not isinstance(value, dict)
    ]
    if told.sumo:
        lines += ["", "[sumo]", *(f'"{k}" = {msgspec.json.encode(v).decode()}' for k, v in told.sumo.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _parts(path: Path, told: ScenarioFile) -> SumoConfig:
    if bool(told.config) == bool(told.net):
        raise ConfigError(f"scenario file {path}: give either config (a .sumocfg), or net and routes")
    options = _options(path, told.sumo)
    if told.config:
        base = read_sumocfg(_file(path, "config", told.config))
    else:
        begin = time_of(path, "begin", str(told.begin), 0.0)
        base = SumoConfig(_file(path, "net", told.net), (), (), begin, begin + HOUR_S, ())
    return SumoConfig(
        base.net,
        base.routes + tuple(_file(path, "routes", name) for name in told.routes),
        base.additional + tuple(_file(path, "additional", name) for name in told.additional),
        time_of(path, "begin", str(told.begin), base.begin_s),
        time_of(path, "end", str(told.end), base.end_s),
        tuple({**dict(base.options), **dict(options)}.items()),
    )


def _file(path: Path, field: str, name: str) -> Path:
    is_wheel = name.startswith(WHEEL)
    file = _wheel_nets() / name.removeprefix(WHEEL) if is_wheel else path.parent / Path(name).expanduser()
    if not file.is_file():
        raise ConfigError(f"scenario file {path}: {field} names {name}, which is not there")
    return file


def _options(path: Path, wanted: Mapping[str, str | float | bool]) -> list[tuple[str, str]]:
    for name in wanted:
        if not CARRIED.fullmatch(name):
            raise ConfigError(
                f"scenario file {path}: sumo.{name} is no option for how vehicles behave: leave it out"
            )
    return [(name, str(v).lower() if isinstance(v, bool) else str(v)) for name, v in wanted.items()]


def _wheel_nets() -> Path:
    """The network data inside the wheel `sumo-rl`, which is found and never imported."""
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            "the networks of the wheel sumo-rl are not installed: pip install --no-deps sumo-rl"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "nets"
