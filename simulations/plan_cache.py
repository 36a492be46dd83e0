"""Scenarios under their optimised fixed plans, designed once and kept in the data directory."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from citybrain.paths import data_dir
from simulations.plan import Plan, Progress, optimise_plan, under
from simulations.scenarios import Scenario
from simulations.sumoxml import read_root

_VERSION = b"1"
"""Counts up when the same inputs give another plan."""


def optimised(
    scenario: Scenario,
    protocol: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    design: Callable[..., Plan] = optimise_plan,
) -> Scenario:
    """The scenario under its optimised plan: run it with the controller `fixed`; see `plan_file`."""
    path = plan_file(scenario, protocol, folder=folder, progress=progress, design=design)
    is_kept = read_root(path).find("tlLogic") is None
    return scenario if is_kept else under(scenario, path)


def plan_file(
    scenario: Scenario,
    protocol: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    design: Callable[..., Plan] = optimise_plan,
) -> Path:
    """SUMO programs of the scenario's optimised plan.

    Designed on the first call (minutes for a large city), read from `folder` afterwards, which defaults to
    `plans` in the data directory; changed files or rules are another plan. Where the network's own programs
    did better, they are kept: the file holds none.

    Raises:
        ConfigError: as `optimise_plan`.
    """
    path = known_file(scenario, protocol, folder)
    if not path.is_file():
        plan = design(scenario, protocol, progress=progress)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        if plan.is_better:
            plan.additional(unfinished)
        else:
            unfinished.write_text("<additional/>\n", encoding="utf-8")
        unfinished.replace(path)
    return path


def known_file(scenario: Scenario, protocol: str, folder: Path | None = None) -> Path:
    """Where `plan_file` keeps the plan, whether or not it is there."""
    return (folder or data_dir() / "plans") / f"{scenario.name}-{protocol}-{_key(scenario, protocol)}.add.xml"


def _key(scenario: Scenario, protocol: str) -> str:
    digest = hashlib.blake2b(_VERSION, digest_size=8)
    for path in (scenario.net, *scenario.routes, *scenario.additional):
        digest.update(path.read_bytes())
    times = (scenario.begin_s, scenario.end_s, scenario.resco_yellow_s, protocol)
    digest.update(repr((*times, scenario.options)).encode())
    return digest.hexdigest()
