"""Adds a user's own ONNX detector: its input is read from the file, and it must run once to be taken."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from citybrain.errors import ConfigError
from vision.decoders import FAMILIES
from vision.detector import Detector, open_session
from vision.models import registry
from vision.models.manifest import COCO_CLASSES, DecoderName, InputSpec, Manifest, road_user

DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}


def add_model(
    path: Path,
    decoder: DecoderName,
    *,
    name: str = "",
    licence: str = "unknown",
    classes: Sequence[str] = COCO_CLASSES,
) -> Manifest:
    """Installs the ONNX file at `path` and says what was installed.

    `classes` are names by the model's own class index. `name` is by default the file's.

    Raises:
        ConfigError: the file is unreadable or no model, the name is taken, no class is a road user, or the
            model does not take or give what `decoder` does.
    """
    name = name or re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-._") or "model"
    if registry.is_installed(name):
        raise ConfigError(f"--name: a model {name!r} is installed already; remove it first or name another")
    if not any(road_user(entry) for entry in classes):
        raise ConfigError(
            "--classes: none of the classes is a person, bicycle, motorcycle, car, bus or truck"
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"model: {path}: {error.strerror or 'cannot be read'}") from error
    session = open_session(content, str(path), providers=["CPUExecutionProvider"])
    manifest = Manifest(
        name=name,
        file=f"{name}.onnx",
        sha256=registry.sha256(content),
        licence=licence,
        source=str(path.absolute()),
        decoder=decoder,
        input=_input_spec(session, decoder),
        classes=list(classes),
    )
    _check_bounds(manifest)
    grey = np.full((360, 640, 3), 128, np.uint8)
    Detector(manifest, session).detect(grey)
    registry.store(manifest, content)
    return manifest


def read_classes(path: Path) -> list[str]:
    """The class names in a text file, one a line, in the order of the model's class index."""
    try:
        names = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--classes: {path} is not a readable text file") from error
    if not names:
        raise ConfigError(f"--classes: {path} names no class; write one a line")
    return names


def _input_spec(session: Any, decoder: DecoderName) -> InputSpec:
    """The family's input with the name and size of this file's."""
    usual = FAMILIES[decoder].spec
    pictures = [entry for entry in session.get_inputs() if len(entry.shape) == 4]
    if len(pictures) != 1:
        raise ConfigError(f"model: it has {len(pictures)} inputs of four axes, a detector has one")
    entry = pictures[0]
    batch, *rest = entry.shape
    height, width, channels = rest if usual.layout == "nhwc" else (*rest[1:], rest[0])
    if DTYPES.get(entry.type) != usual.dtype or _known(channels, 3) != 3 or _known(batch, 1) != 1:
        raise ConfigError(
            f"model: its input {entry.name} is {entry.type} {entry.shape}, decoder {decoder} takes one "
            f"picture of 3 colours as {usual.dtype} in {usual.layout.upper()}"
        )
    return msgspec.structs.replace(
        usual, name=entry.name, width=_known(width, usual.width), height=_known(height, usual.height)
    )


def _known(axis: object, otherwise: int) -> int:
    """The length of an axis, which ONNX gives as a name or nothing where it is free."""
    return axis if isinstance(axis, int) and axis > 0 else otherwise


def _check_bounds(manifest: Manifest) -> None:
    """Msgspec checks bounds when it decodes, so a manifest is decoded once before it is kept."""
    try:
        msgspec.json.decode(msgspec.json.encode(manifest), type=Manifest)
    except msgspec.ValidationError as error:
        raise ConfigError(f"model: {error}") from error
