"""What is known of an installed model: where it is from, what it takes and what it answers."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from citybrain.messages import RoadUser

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
DecoderName = Literal["ssd", "yolox", "yolov8", "nanodet", "deim"]
Triple = tuple[float, float, float]


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a frame becomes the model's input: resized, coloured, then `(level - mean) / std`."""

    name: str
    width: Annotated[int, Meta(ge=16, le=4096)]
    height: Annotated[int, Meta(ge=16, le=4096)]
    resize: Literal["plain", "corner", "centre"]
    """Plain, or letterboxed: the picture in the upper left corner or in the centre, the rest grey."""
    colour: Literal["rgb", "bgr"]
    layout: Literal["nhwc", "nchw"]
    dtype: Literal["uint8", "float32"]
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\.onnx$")]
    """Beside the manifest."""
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    licence: Annotated[str, Meta(max_length=200)]
    source: Annotated[str, Meta(max_length=500)]
    decoder: DecoderName
    input: InputSpec
    classes: Annotated[list[str], Meta(min_length=1, max_length=10_000)]
    """Names by the model's own class index; those that are no road user are ignored."""
    note: Annotated[str, Meta(max_length=500)] = ""


COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
_SYNONYMS = {"pedestrian": RoadUser.PERSON, "motorbike": RoadUser.MOTORCYCLE, "bike": RoadUser.BICYCLE}


def road_user(name: str) -> RoadUser | None:
    """The road user that a model's class `name` means, if any."""
    plain = name.strip().lower()
    if plain in set(RoadUser):
        return RoadUser(plain)
    return _SYNONYMS.get(plain)
