"""Tries a detector on pictures: how fast it is on this machine, and what it finds."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.detector import Detector
from vision.models.labels import read_labels
from vision.models.pictures import draw_pictures
from vision.models.precision import Precision, precision_of

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
DRAWN_PICTURES = 40
DRAWN_SIDE = 480
WARM_UP = 3


class Trial(msgspec.Struct, frozen=True):
    """Times are of one frame from picture to detections, on one thread, reading not counted."""

    model: str
    provider: str
    pictures: int
    unreadable: int
    """Files left out because they hold no picture."""
    p50_ms: float
    p99_ms: float
    detections: int
    by_road_user: dict[str, int]
    mean_confidence: float | None
    precision: Precision | None = None
    """Where the pictures are labelled."""


LEAST_CONFIDENCE = 0.02
"""Average precision is of all that a detector says, also what it hardly believes."""


def judge_detector(detector: Detector, folder: Path, files: Sequence[Path]) -> Precision | None:
    """Average precision on those of `files` in `folder` that are labelled; None where none is.

    Raises:
        ConfigError: labels that are wrong.
    """
    sizes, kept = {}, {}
    for path in files:
        for frame in read_pictures([path]):
            sizes[path.name] = frame.shape[1], frame.shape[0]
            kept[path] = detector.detect(frame, min_confidence=LEAST_CONFIDENCE)
    labels = read_labels(folder, sizes)
    pairs = [(true, found) for path, found in kept.items() if (true := labels.of(path)) is not None]
    return precision_of(pairs)


def try_detector(
    detector: Detector,
    frames: Iterable[NDArray[np.uint8]],
    *,
    min_confidence: float,
    progress: Callable[[int], None] = lambda _: None,
) -> Trial:
    """Runs every frame (h, w, 3) uint8 BGR; `progress` is told how many are done.

    Raises:
        ConfigError: there are no frames.
    """
    times: list[float] = []
    confidence: list[float] = []
    found: Counter[str] = Counter()
    for frame in frames:
        for _ in range(0 if times else WARM_UP):
            detector.detect(frame)
        start = time.perf_counter()
        detections = detector.detect(frame, min_confidence=min_confidence)
        times.append(time.perf_counter() - start)
        found.update(str(user) for user in detections.road_users)
        confidence.extend(detections.confidence.tolist())
        progress(len(times))
    if not times:
        raise ConfigError("--pictures: none of the pictures can be read")
    p50, p99 = np.percentile(np.array(times) * 1e3, [50, 99])
    return Trial(
        model=detector.name,
        provider=detector.provider,
        pictures=len(times),
        unreadable=0,
        p50_ms=round(float(p50), 2),
        p99_ms=round(float(p99), 2),
        detections=len(confidence),
        by_road_user=dict(found.most_common()),
        mean_confidence=round(float(np.mean(confidence)), 3) if confidence else None,
    )


def picture_files(folder: Path) -> list[Path]:
    """The pictures in `folder`, by name; raises ConfigError if there are none."""
    if not folder.is_dir():
        raise ConfigError(f"--pictures: {folder} is not a folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ConfigError(f"--pictures: {folder} holds no picture ({', '.join(sorted(SUFFIXES))})")
    return files


def read_pictures(files: Iterable[Path]) -> Iterator[NDArray[np.uint8]]:
    """The pictures as (h, w, 3) uint8 BGR; those that are unreadable are left out."""
    for path in files:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is not None:
            yield picture.astype(np.uint8, copy=False)


def drawn_frames() -> list[NDArray[np.uint8]]:
    """Drawn street scenes for machines that have no pictures at hand: for speed, not for accuracy."""
    pictures = draw_pictures(DRAWN_PICTURES, DRAWN_SIDE)
    return [np.ascontiguousarray(picture[:, :, ::-1]) for picture in pictures]
