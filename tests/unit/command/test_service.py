"""Starting the service."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from citybrain.errors import ConfigError, Unavailable
from command import build
from command.service import listen

ROOT = Path(__file__).parents[3]


def test_a_taken_port_is_one_clear_sentence() -> None:
    taken = listen("127.0.0.1", 0)
    try:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf":{port}: .*in use; .*command\.port"):
            listen("127.0.0.1", port)
        environ = os.environ | {
            "CITYBRAIN__COMMAND__PORT": str(port), "PYTHONPATH": str(ROOT), "CITYBRAIN_CONFIG": os.devnull,
        }  # fmt: skip
        ended = subprocess.run(
            [sys.executable, "-m", "citybrain", "run", "command"],
            env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == 2
        assert ended.stderr.strip().count("\n") == 0
        assert ended.stderr.startswith("citybrain: cannot serve at")
    finally:
        taken.close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot serve at 203"):
        listen("203.0.113.7", 8080)


def sources(folder: Path) -> Path:
    web = folder / "web"
    (web / "src").mkdir(parents=True)
    (web / "package-lock.json").write_text("{}")
    (web / "src" / "main.ts").write_text("1")
    return web


def fake_npm(folder: Path, script: str) -> Path:
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return folder


def test_a_build_is_done_once_until_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = sources(tmp_path)
    npm = fake_npm(
        tmp_path / "bin", 'echo "$1"; if [ "$1" = run ]; then mkdir -p dist; echo x > dist/index.html; fi'
    )
    monkeypatch.setattr(build, "npm_command", lambda: [str(npm / "npm")])
    lines: list[str] = []
    assert not build.is_current(web)
    build.build(web, lines.append)
    assert lines == ["ci", "run"]
    assert build.is_current(web)
    (web / "node_modules").mkdir()
    (web / "node_modules" / "left.js").write_text("1")
    assert build.is_current(web)
    (web / "src" / "main.ts").write_text("2")
    assert not build.is_current(web)


def test_a_build_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = sources(tmp_path)
    npm = fake_npm(tmp_path / "bin", "echo no such package; exit 3")
    monkeypatch.setattr(build, "npm_command", lambda: [str(npm / "npm")])
    with pytest.raises(Unavailable, match="no such package"):
        build.build(web, lambda _line: None)
    assert not build.is_current(web)


def test_without_sources_there_is_nothing_to_build(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"package-lock\.json"):
        build.build(tmp_path, lambda _line: None)
