"""What people get wrong on the command line: one clear sentence each, and an exit code that says whose."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from citybrain.up import postgres as embedded_postgres
from citybrain.up.ports import free_port

ROOT = Path(__file__).parents[2]


def run(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "citybrain", *arguments],
        cwd=ROOT, env={"CITYBRAIN_DATA_DIR": str(data), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def told(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    """The only thing it said: one sentence, no traceback."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("citybrain: ")
    return lines[0]


def ports() -> list[str]:
    return ["--port", str(free_port()), "--mqtt-port", str(free_port()), "--pg-port", str(free_port()),
            "--street-port", str(free_port())]  # fmt: skip


def test_an_unknown_scenario(tmp_path: Path) -> None:
    sentence = told(run(tmp_path, "up", "--scenario", "atlantis", *ports()), 2)
    assert "atlantis" in sentence
    assert "cologne8" in sentence


@pytest.mark.parametrize("content", [None, b"", b"no video at all" * 100])
def test_an_unreadable_source(tmp_path: Path, content: bytes | None) -> None:
    clip = tmp_path / "clip.mp4"
    if content is not None:
        clip.write_bytes(content)
    assert "clip.mp4" in told(run(tmp_path, "up", "--camera", f"demo={clip}", *ports()), 2)
    assert "clip.mp4" in told(run(tmp_path, "watch", str(clip)), 2)


def test_a_taken_port_names_who_needs_it_and_the_option(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        for option, who in (
            ("--port", "command centre"), ("--mqtt-port", "MQTT broker"), ("--pg-port", "PostgreSQL"),
            ("--street-port", "street"),
        ):  # fmt: skip
            arguments = ports()
            arguments[arguments.index(option) + 1] = str(taken)
            sentence = told(run(tmp_path, "up", *arguments), 2)
            assert str(taken) in sentence
            assert who in sentence
            assert option in sentence


def test_a_wrong_dsn(tmp_path: Path) -> None:
    away = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/city"
    for arguments in (["db", "migrate"], ["db", "status"]):
        config = tmp_path / "citybrain.toml"
        config.write_text(f'[database]\ndsn = "{away}"\n')
        sentence = told(run(tmp_path, "--config", str(config), *arguments), 1)
        assert "secret" not in sentence
        config.write_text('[database]\ndsn = "not a dsn"\n')
        told(run(tmp_path, "--config", str(config), *arguments), 2)


def test_a_broker_that_is_not_there(tmp_path: Path) -> None:
    arguments = ["up", "--broker", f"mqtt://127.0.0.1:{free_port()}", "--no-street", *ports()]
    del arguments[arguments.index("--mqtt-port") : arguments.index("--mqtt-port") + 2]
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    embedded_postgres.remove(embedded_postgres.locate(tmp_path / "postgres"))
    assert "no MQTT broker answers" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_corrupt_model(tmp_path: Path) -> None:
    model = tmp_path / "broken.onnx"
    model.write_bytes(b"\x08\x07garbage")
    assert "broken.onnx" in told(run(tmp_path, "models", "add", str(model), "--decoder", "yolox"), 2)
    assert "nonesuch" in told(run(tmp_path, "models", "test", "nonesuch"), 2)


def test_wrong_usage_is_told_with_an_example_of_right_usage(tmp_path: Path) -> None:
    done = run(tmp_path, "up", "--camera", "north")
    assert done.returncode == 2
    assert "NAME=SOURCE" in done.stderr
    assert "Traceback" not in done.stderr
