"""The models in the user's data directory: one ONNX file and one manifest each, verified when used.

    <data>/models/<name>.json      manifest
    <data>/models/<name>.onnx      what it names, by sha256

A model is written before its manifest and both by rename, so a model that is listed is complete.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from citybrain.errors import ConfigError
from citybrain.paths import data_dir
from vision.models.manifest import Manifest

DEFAULT_MODEL = "ssdlite-mobilenet-v2"


def models_dir() -> Path:
    return data_dir() / "models"


def installed() -> list[Manifest]:
    """The manifests of all installed models by name; unreadable ones raise ConfigError."""
    return [_read(path) for path in sorted(models_dir().glob("*.json"))]


def is_installed(name: str) -> bool:
    """Whether `name` is listed; says nothing of its file, which `verified` checks."""
    return _manifest_path(name).is_file()


def manifest(name: str) -> Manifest:
    """The manifest of an installed model.

    Raises:
        ConfigError: there is no model of that name, or its manifest is unreadable.
    """
    if not is_installed(name):
        known = ", ".join(path.stem for path in sorted(models_dir().glob("*.json")))
        have = f"installed are {known}" if known else "none is installed"
        raise ConfigError(f"model: {name!r} is not installed ({have}); run `citybrain models install`")
    return _read(_manifest_path(name))


def verified(name: str) -> tuple[Manifest, bytes]:
    """The manifest and the content of a model whose sha256 is as the manifest says.

    Raises:
        ConfigError: not installed, missing, or altered since it was installed.
    """
    known = manifest(name)
    path = models_dir() / known.file
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ConfigError(f"model: {path}: {reason}; {_again(name)}") from error
    if sha256(content) != known.sha256:
        raise ConfigError(f"model: {path} is corrupt, its sha256 is not the installed one; {_again(name)}")
    return known, content


def store(known: Manifest, content: bytes) -> None:
    """Installs `content` under `known`, in place of a model of the same name."""
    if sha256(content) != known.sha256:
        raise ConfigError(f"model: the content of {known.name} does not match its sha256")
    folder = models_dir()
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / known.file, content)
    _write(_manifest_path(known.name), msgspec.json.format(msgspec.json.encode(known), indent=2))


def remove(name: str) -> None:
    """Deletes an installed model; raises ConfigError if there is none of that name."""
    path = _manifest_path(name)
    if not path.is_file():
        manifest(name)
    path.unlink()
    (models_dir() / f"{name}.onnx").unlink(missing_ok=True)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _manifest_path(name: str) -> Path:
    if not name or name != Path(name).name or name.startswith("."):
        raise ConfigError(f"model: {name!r} is not a model's name; see `citybrain models list`")
    return models_dir() / f"{name}.json"


def _read(path: Path) -> Manifest:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"model: the manifest {path} is unreadable ({error}); {_again(path.stem)}"
        ) from error


def _again(name: str) -> str:
    return (
        "run `citybrain models install` again"
        if name == DEFAULT_MODEL
        else f"remove it with `citybrain models remove {name}` and add it again"
    )


def _write(path: Path, content: bytes) -> None:
    """Writes by rename, so that nobody ever sees half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
