"""Labels beside pictures: a COCO file in their folder, or one text a picture as YOLO has it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.detections import ROAD_USERS, Detections
from vision.models.manifest import COCO_CLASSES, road_user

CLASS_FILE = "classes.txt"


class Labels:
    """What is in each picture, by the name of its file."""

    def __init__(self, by_name: dict[str, Detections]) -> None:
        self._by_name = by_name

    def __len__(self) -> int:
        return len(self._by_name)

    def of(self, path: Path) -> Detections | None:
        """The labelled road users, confidence 1; None where the picture has no label."""
        return self._by_name.get(path.name)


class _Picture(msgspec.Struct):
    id: int
    file_name: str


class _Kind(msgspec.Struct):
    id: int
    name: str


class _Box(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    """x, y, width, height in pixels."""
    iscrowd: Annotated[int, Meta(ge=0, le=1)] = 0


class _Coco(msgspec.Struct):
    images: list[_Picture]
    annotations: list[_Box]
    categories: list[_Kind]


def read_labels(folder: Path, sizes: dict[str, tuple[int, int]]) -> Labels:
    """The labels of the pictures in `folder`, whose (width, height) are `sizes`; none where it has none.

    Raises:
        ConfigError: a file of labels that is wrong.
    """
    files = sorted(folder.glob("*.json"))
    if files:
        return _coco(files[0])
    names = _classes(folder)
    found = {}
    for name, (width, height) in sizes.items():
        path = (folder / name).with_suffix(".txt")
        if path.is_file():
            found[name] = _yolo(path, names, width, height)
    return Labels(found)


def _coco(path: Path) -> Labels:
    try:
        known = msgspec.json.decode(path.read_bytes(), type=_Coco)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"labels: {path} is not a COCO file ({error})") from error
    users = {kind.id: road_user(kind.name) for kind in known.categories}
    by_picture: dict[int, list[tuple[float, ...]]] = {picture.id: [] for picture in known.images}
    for box in known.annotations:
        user = users.get(box.category_id)
        if user is not None and not box.iscrowd and box.image_id in by_picture:
            x, y, width, height = box.bbox
            row = (x, y, x + width, y + height, float(ROAD_USERS.index(user)))
            by_picture[box.image_id].append(row)
    return Labels({Path(picture.file_name).name: _rows(by_picture[picture.id]) for picture in known.images})


def _classes(folder: Path) -> list[str]:
    path = folder / CLASS_FILE
    if not path.is_file():
        return list(COCO_CLASSES)
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _yolo(path: Path, names: list[str], width: int, height: int) -> Detections:
    """`class x y width height` a line: the middle of the box and its size as shares of the picture."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            kind, *place = line.split()
            x, y, wide, high = (float(one) for one in place)
            user = road_user(names[int(kind)])
        except (ValueError, IndexError) as error:
            reason = f"labels: {path}, line {number}: not `class x y width height` ({error})"
            raise ConfigError(reason) from error
        if user is not None:
            left, top = (x - wide / 2) * width, (y - high / 2) * height
            kind_ = float(ROAD_USERS.index(user))
            rows.append((left, top, left + wide * width, top + high * height, kind_))
    return _rows(rows)


def _rows(rows: Sequence[tuple[float, ...]]) -> Detections:
    table: NDArray[np.float32] = np.array(rows, np.float32).reshape(-1, 5)
    return Detections.untracked(table[:, :4], np.ones(len(table), np.float32), table[:, 4].astype(np.uint8))
