"""What each family of detectors takes and what its raw outputs mean: numbers in, detections out.

Every decoder gives raw detections in frame pixels; `vision.detections.tidy` drops doubles afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.detections import ROAD_USERS, Detections
from vision.models.manifest import DecoderName, InputSpec, road_user

Floats = NDArray[np.float32]
Frame = NDArray[np.uint8]

GREY = 114
"""Level of the bars beside a letterboxed picture, as YOLOX and YOLOv8 were trained."""
YOLOX_STRIDES = (8, 16, 32)
NANODET_STRIDES = (8, 16, 32, 64)
NANODET_BINS = 8
NO_ROAD_USER = 255


@dataclass(frozen=True, slots=True)
class View:
    """Where a frame lies in a model's input: `input = frame * scale + offset`, in pixels."""

    width: int
    height: int
    scale_x: float
    scale_y: float
    offset_x: int = 0
    offset_y: int = 0

    def to_frame(self, boxes: Floats) -> Floats:
        """Boxes (n, 4) x1, y1, x2, y2 from input pixels to frame pixels."""
        offset = np.array([self.offset_x, self.offset_y] * 2, np.float32)
        scale = np.array([self.scale_x, self.scale_y] * 2, np.float32)
        return (boxes - offset) / scale


def view_of(width: int, height: int, spec: InputSpec) -> View:
    """Where a frame of `width` by `height` goes in the input `spec`."""
    if spec.resize == "plain":
        return View(width, height, spec.width / width, spec.height / height)
    scale = min(spec.width / width, spec.height / height)
    if spec.resize == "corner":
        return View(width, height, scale, scale)
    spare_x, spare_y = spec.width - round(width * scale), spec.height - round(height * scale)
    return View(width, height, scale, scale, spare_x // 2, spare_y // 2)


def prepare(frame: Frame, spec: InputSpec) -> tuple[NDArray[Any], View]:
    """`frame`: (h, w, 3) uint8 BGR as the model's input with a leading batch axis, and where it lies."""
    height, width = frame.shape[:2]
    view = view_of(width, height, spec)
    if spec.resize == "plain":
        picture = cv2.resize(frame, (spec.width, spec.height))
    else:
        size = max(round(width * view.scale_x), 1), max(round(height * view.scale_y), 1)
        picture = np.full((spec.height, spec.width, 3), GREY, np.uint8)
        rows = slice(view.offset_y, view.offset_y + size[1])
        columns = slice(view.offset_x, view.offset_x + size[0])
        picture[rows, columns] = cv2.resize(frame, size)
    if spec.colour == "rgb":
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return _levels(picture, spec)[None], view


def _levels(picture: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    if spec.dtype == "float32":
        picture = picture.astype(np.float32)
        picture -= np.array(spec.mean, np.float32)
        picture *= 1 / np.array(spec.std, np.float32)
    return np.ascontiguousarray(picture.transpose(2, 0, 1)) if spec.layout == "nchw" else picture


def road_user_index(classes: Sequence[str]) -> NDArray[np.uint8]:
    """For each of a model's classes, its index in `ROAD_USERS`, or `NO_ROAD_USER`."""
    users = [road_user(name) for name in classes]
    return np.array([NO_ROAD_USER if u is None else ROAD_USERS.index(u) for u in users], np.uint8)


@dataclass(frozen=True, slots=True)
class Decoding:
    """What a decoder needs beside the outputs."""

    spec: InputSpec
    view: View
    road_user: NDArray[np.uint8]
    """By the model's class index, as `road_user_index` gives it."""
    min_confidence: float

    def pick(self, boxes: Floats, scores: Floats) -> Detections:
        """The best road user of each row of `boxes`: (n, 4) frame pixels, `scores`: (n, classes)."""
        if scores.shape[1] != len(self.road_user):
            raise ConfigError(
                f"classes: the model scores {scores.shape[1]} classes, {len(self.road_user)} are named; "
                "add it again with a matching --classes file"
            )
        columns = np.flatnonzero(self.road_user != NO_ROAD_USER)
        chosen = scores[:, columns]
        best = chosen.argmax(axis=1)
        confidence = chosen[np.arange(len(chosen)), best]
        rows = confidence >= self.min_confidence
        user = self.road_user[columns[best[rows]]]
        return Detections.untracked(boxes[rows], np.minimum(confidence[rows], np.float32(1)), user)


Outputs = Sequence[NDArray[Any]]
Decode = Callable[[Outputs, Decoding], Detections]


def decode_ssd(outputs: Outputs, decoding: Decoding) -> Detections:
    """Outputs: boxes (1, n, 4) y1, x1, y2, x2 as shares of the picture; scores (1, n, classes) 0..1."""
    boxes, scores = _first(outputs, 0, 3), _first(outputs, 1, 3)
    size = np.array([decoding.spec.width, decoding.spec.height] * 2, np.float32)
    return decoding.pick(decoding.view.to_frame(boxes[:, [1, 0, 3, 2]] * size), scores)


def decode_yolox(outputs: Outputs, decoding: Decoding) -> Detections:
    """Output: (1, n, 5 + classes): centre and log size in strides, objectness, class scores.

    Source: Ge et al., YOLOX (2021), decoupled head; the export leaves the grid to the caller.
    """
    rows = _first(outputs, 0, 3)
    grid, stride = _grid(decoding.spec, YOLOX_STRIDES, len(rows))
    centre = (rows[:, :2] + grid) * stride
    half = np.exp(rows[:, 2:4]) * stride / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return decoding.pick(decoding.view.to_frame(boxes), rows[:, 5:] * rows[:, 4:5])


def decode_yolov8(outputs: Outputs, decoding: Decoding) -> Detections:
    """Output: (1, 4 + classes, n): centre and size in input pixels, class scores 0..1."""
    rows = _first(outputs, 0, 3).T
    centre, half = rows[:, :2], rows[:, 2:4] / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    return decoding.pick(decoding.view.to_frame(boxes), rows[:, 4:])


def decode_nanodet(outputs: Outputs, decoding: Decoding) -> Detections:
    """Output of NanoDet-Plus: (1, n, classes + 32): class scores 0..1, and for each of left, top, right,
    bottom a distribution over 0..7 strides (Li et al., Generalized Focal Loss, 2020).
    """
    rows = _first(outputs, 0, 3)
    split = rows.shape[1] - 4 * NANODET_BINS
    grid, stride = _grid(decoding.spec, NANODET_STRIDES, len(rows))
    logits = rows[:, split:].reshape(len(rows), 4, NANODET_BINS)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    bins = np.arange(NANODET_BINS, dtype=np.float32)
    reach = (weights * bins).sum(axis=2) / weights.sum(axis=2) * stride
    centre = grid * stride
    boxes = np.concatenate([centre - reach[:, :2], centre + reach[:, 2:]], axis=1)
    return decoding.pick(decoding.view.to_frame(boxes), rows[:, :split])


def decode_deim(outputs: Outputs, decoding: Decoding) -> Detections:
    """Outputs: labels (1, n), boxes (1, n, 4) x1, y1, x2, y2 in input pixels, scores (1, n) 0..1."""
    labels, boxes, scores = _first(outputs, 0, 2), _first(outputs, 1, 3), _first(outputs, 2, 2)
    known = (labels >= 0) & (labels < len(decoding.road_user))
    user = decoding.road_user[np.where(known, labels, 0)]
    rows = known & (user != NO_ROAD_USER) & (scores >= decoding.min_confidence)
    return Detections.untracked(decoding.view.to_frame(boxes[rows]), scores[rows], user[rows])


def _first(outputs: Outputs, index: int, dimensions: int) -> NDArray[Any]:
    """The first (only) picture of an output.

    Raises:
        ConfigError: the model has no such output; it is not of the decoder's family.
    """
    shapes = [list(output.shape) for output in outputs]
    if index >= len(outputs) or outputs[index].ndim != dimensions or outputs[index].shape[0] != 1:
        raise ConfigError(f"decoder: the model's outputs {shapes} are not those of this decoder, try another")
    first: NDArray[Any] = outputs[index][0]
    return first


def _grid(spec: InputSpec, strides: Sequence[int], rows: int) -> tuple[Floats, Floats]:
    """Cell indices x, y: (rows, 2) and strides: (rows, 1) of all levels, row by row, finest first."""
    cells, sizes = [], []
    for stride in strides:
        down, across = -(-spec.height // stride), -(-spec.width // stride)
        y, x = np.mgrid[:down, :across].astype(np.float32)
        cells.append(np.stack([x.ravel(), y.ravel()], axis=1))
        sizes.append(np.full((down * across, 1), stride, np.float32))
    grid, stride_of = np.concatenate(cells), np.concatenate(sizes)
    if len(grid) != rows:
        raise ConfigError(
            f"decoder: the model gives {rows} candidates where strides {tuple(strides)} on "
            f"{spec.width}x{spec.height} make {len(grid)}, try another decoder"
        )
    return grid, stride_of


@dataclass(frozen=True, slots=True)
class Family:
    """One family of detectors: how it decodes, and the input that its authors publish."""

    decode: Decode
    spec: InputSpec


FAMILIES: dict[DecoderName, Family] = {
    "ssd": Family(decode_ssd, InputSpec("image", 300, 300, "plain", "rgb", "nhwc", "uint8")),
    "yolox": Family(decode_yolox, InputSpec("images", 416, 416, "corner", "bgr", "nchw", "float32")),
    "yolov8": Family(
        decode_yolov8,
        InputSpec("images", 640, 640, "centre", "rgb", "nchw", "float32", std=(255.0, 255.0, 255.0)),
    ),
    "nanodet": Family(
        decode_nanodet,
        InputSpec(
            "data", 416, 416, "plain", "bgr", "nchw", "float32",
            mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395),
        ),
    ),
    "deim": Family(
        decode_deim,
        InputSpec("images", 416, 416, "plain", "rgb", "nchw", "float32", std=(255.0, 255.0, 255.0)),
    ),
}  # fmt: skip
