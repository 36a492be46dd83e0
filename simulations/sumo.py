"""SUMO in this process for one run: its arguments, and the simulation for as long as a block lasts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from citybrain.errors import ConfigError
from simulations.scenario import Scenario


def sumo_command(scenario: Scenario, seed: int, seconds: float) -> list[str]:
    """SUMO's arguments for a scenario: one-second steps, nothing teleports."""
    command = ["sumo", *scenario.arguments()]
    command += ["--begin", str(scenario.begin_s), "--end", str(scenario.begin_s + seconds)]
    command += ["--seed", str(seed), "--time-to-teleport", "-1", "--step-length", "1"]
    command += ["--collision.action", "warn"]
    command += ["--no-step-log", "--no-warnings", "--duration-log.disable"]
    return command


def trip_options(path: Path) -> list[str]:
    """Arguments that account for every vehicle in `path`, unfinished and undeparted ones as well."""
    return [
        "--tripinfo-output", str(path),
        "--tripinfo-output.write-unfinished",
        "--tripinfo-output.write-undeparted",
    ]  # fmt: skip


@contextmanager
def loaded(scenario: Scenario, command: Sequence[str]) -> Iterator[Any]:
    """Libsumo with the simulation of `command` loaded.

    Raises:
        ConfigError: files that SUMO refuses.
    """
    import libsumo

    try:
        libsumo.start(list(command))
    except Exception as fault:
        reason = " ".join(str(fault).split())
        raise ConfigError(f"SUMO refuses scenario {scenario.name!r}: {reason}") from fault
    try:
        yield libsumo
    finally:
        libsumo.close()
