"""Writes pictures as a video file: H.264 where this machine can encode it, else MPEG-4."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError

CODECS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"preset": "veryfast", "crf": "23"}),
    ("libopenh264", {}),
    ("mpeg4", {"qscale": "4"}),
)


class Recording:
    """A video file being written; use it as a context manager, so that its end is written too.

    Raises:
        ConfigError: the file cannot be created, or its ending names no video format.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._fps = Fraction(fps).limit_denominator(1000)
        self._stream: Any = None
        try:
            self._file: Any = av.open(str(path), "w")
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--out {path} cannot be written: {error}; name a .mp4 file in a folder"
            ) from error

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Append a picture (h, w, 3) uint8 BGR; all as large as the first, smaller ones are filled up."""
        if self._stream is None:
            self._begin(picture.shape[1], picture.shape[0])
        height, width = self._stream.height, self._stream.width
        canvas = np.zeros((height, width, 3), np.uint8)
        part = picture[:height, :width]
        canvas[: part.shape[0], : part.shape[1]] = part
        frame = av.VideoFrame.from_ndarray(canvas, format="bgr24")
        self._file.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._file.mux(self._stream.encode(None))
        self._file.close()

    def _begin(self, width: int, height: int) -> None:
        codec, options = next((name, given) for name, given in CODECS if name in av.codecs_available)
        self._stream = self._file.add_stream(codec, rate=self._fps, options=options)
        # 4:2:0 halves the colour planes, which asks for even sides.
        self._stream.width, self._stream.height = width - width % 2, height - height % 2
        self._stream.pix_fmt = "yuv420p"
