"""The programs of the wheel `eclipse-sumo`: netconvert, duarouter and the Python tools beside them."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from citybrain.errors import ConfigError

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "SYSTEMROOT", "TEMP", "TMP")


def run_program(name: str, arguments: Sequence[str | Path], purpose: str) -> list[str]:
    """Run one of SUMO's programs; returns its warnings.

    Raises:
        ConfigError: it is not installed, or it refused its input; `purpose` opens the sentence.
    """
    home = _home()
    suffix = ".exe" if os.name == "nt" else ""
    return _run([str(home / "bin" / f"{name}{suffix}"), *map(str, arguments)], home, purpose)


def run_tool(name: str, arguments: Sequence[str | Path], purpose: str) -> list[str]:
    """Run one of SUMO's Python tools (`routeSampler.py`); returns its warnings.

    Raises:
        ConfigError: as `run_program`.
    """
    home = _home()
    return _run([sys.executable, str(home / "tools" / name), *map(str, arguments)], home, purpose)


def _run(command: list[str], home: Path, purpose: str) -> list[str]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    proj = str(home / "data" / "proj")
    environment |= {"SUMO_HOME": str(home), "PROJ_LIB": proj, "PROJ_DATA": proj, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, env=environment
        )
    except OSError as error:
        raise ConfigError(f"{purpose}: {command[0]} cannot be started: {error}") from error
    lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
    if done.returncode != 0:
        errors = [line for line in lines if line.startswith("Error")] or lines[-1:]
        told = " ".join(line.removeprefix("Error:").strip() for line in errors[:3])
        raise ConfigError(f"{purpose}: {told or f'exit code {done.returncode}'}")
    return [line.removeprefix("Warning:").strip() for line in lines if line.startswith("Warning")]


def _home() -> Path:
    """The folder of the wheel; the unrelated package `sumo` of the index is told apart."""
    try:
        importlib.metadata.version("eclipse-sumo")
        spec = importlib.util.find_spec("sumo")
    except importlib.metadata.PackageNotFoundError:
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("SUMO's programs are not installed: pip install eclipse-sumo")
    return Path(next(iter(spec.submodule_search_locations)))
