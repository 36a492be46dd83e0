"""A picture as it is sent: its size and its JPEG."""

from citybrain.codec import MAX_FRAME_BYTES
from citybrain.errors import ConfigError
from citybrain.sources import Image

_HEAD_BYTES = 4_000


def scaled(image: Image, width: int) -> Image:
    """The image no wider than `width`, its shape kept."""
    import cv2
    import numpy as np

    if image.shape[1] <= width:
        return image
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def jpeg_of(image: Image, quality: int, most: int = MAX_FRAME_BYTES) -> bytes:
    """JPEG of `most` bytes where a lower quality gives that, and small enough for a frame in any case."""
    import cv2

    for wanted in (quality, 60, 40, 20):
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, min(wanted, quality)])
        if len(jpeg) <= min(most, MAX_FRAME_BYTES) - _HEAD_BYTES:
            return jpeg.tobytes()
    if len(jpeg) <= MAX_FRAME_BYTES - _HEAD_BYTES:
        return jpeg.tobytes()
    raise ConfigError(f"a picture of {image.shape[1]} x {image.shape[0]} px is too large; lower its width")
