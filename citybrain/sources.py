"""Where pictures come from: a video file, a folder of images, a network stream, a camera on this machine.

`open_source` looks at the first picture before it returns, so that what cannot be read is told at once.
"""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from citybrain.errors import ConfigError, Unavailable

MAX_SIDE_PX = 16_384
MAX_PIXELS = 64_000_000
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
FOLDER_FPS = 10.0
OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 10.0
MAX_BAD_IN_A_ROW = 100

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: `image_bgr` (h, w, 3) uint8; `media_s` in the source's own time; `index` from 0."""

    image_bgr: Image
    media_s: float
    captured_at: datetime
    index: int


class Source(ABC):
    """An open source: iterate once over its frames, then `close`; a context manager.

    `frames` is the number of frames where it is known; a `live` source delivers in real time and may raise
    Unavailable while iterating.
    """

    live = False

    def __init__(self, text: str) -> None:
        self.text = text
        self.fps = FOLDER_FPS
        self.width = 0
        self.height = 0
        self.frames: int | None = None

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """The frames in order."""

    def close(self) -> None:  # noqa: B027 - a folder has nothing to let go of
        """Let go of the source."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(text: str, fps: float | None = None) -> Source:
    """The source `text`: a video file, an image folder, an rtsp:// or http:// URL, or a device number.

    `fps` is the rate of an image folder; everything else knows its own.

    Raises:
        ConfigError: nothing there, empty, not a video, or pictures beyond 16384 px or 64 megapixels.
        Unavailable: a stream or device that does not answer now.
    """
    if re.fullmatch(r"\d{1,3}", text):
        return DeviceSource(text)
    if re.match(r"(?i)(rtsps?|rtmp|https?)://", text):
        return StreamSource(text)
    if "://" in text:
        raise ConfigError(f"source {text!r}: unknown kind of URL; use rtsp:// or http://")
    path = Path(text).expanduser()
    if path.is_dir():
        return FolderSource(text, path, fps or FOLDER_FPS)
    if not path.exists():
        raise ConfigError(f"source {text!r}: no such file or folder")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderSource(text, path, fps or FOLDER_FPS)
    return FileSource(text, path)


def paced(source: Source) -> Iterator[tuple[Frame, int]]:
    """The frames of `source` at its own speed, each with how many were dropped before it to keep up.

    A live source is passed through: it is paced by itself.
    """
    begin = time.monotonic()
    dropped = 0
    for frame in source:
        if not source.live:
            ahead_s = begin + frame.media_s - time.monotonic()
            if ahead_s < -1.5 / source.fps:
                dropped += 1
                continue
            if ahead_s > 0:
                time.sleep(ahead_s)
        yield replace(frame, captured_at=datetime.now(UTC)), dropped
        dropped = 0


class FolderSource(Source):
    """The images of a folder in natural order (img2 before img10), or a single image."""

    def __init__(self, text: str, path: Path, fps: float) -> None:
        super().__init__(text)
        self._paths = [path] if path.is_file() else _images(path)
        if not self._paths:
            raise ConfigError(f"source {text!r}: the folder holds no {', '.join(sorted(IMAGE_SUFFIXES))}")
        self.fps = fps
        self.frames = len(self._paths)
        first = next(iter(self), None)
        if first is None:
            raise ConfigError(f"source {text!r}: none of its images can be read")
        self.height, self.width = first.image_bgr.shape[:2]

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            image = _read_image(self.text, path)
            if image is not None:
                yield Frame(image, index / self.fps, datetime.now(UTC), index)


class _AvSource(Source):
    """What PyAV can open."""

    def __init__(
        self, text: str, place: str, options: dict[str, str], timeout_s: tuple[float, float] | None
    ) -> None:
        import av

        super().__init__(text)
        self._errors: Any = (av.error.FFmpegError, ValueError)
        # Errors are raised; what FFmpeg writes beside them is noise in our logs.
        av.logging.set_level(av.logging.PANIC)
        self._container: Any = av.open(place, options=options, timeout=timeout_s)
        try:
            self._video = _video_of(text, self._container)
            self._video.thread_type = "AUTO"
            self.width, self.height = self._video.codec_context.width, self._video.codec_context.height
            check_size(text, self.width, self.height)
            self.fps = float(self._video.average_rate or self._video.guessed_rate or 25.0)
            self.frames = self._video.frames or None
            self._decoder = self._decode()
            self._first = next(self._decoder, None)
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        if self._first is not None:
            yield self._first
            self._first = None
        yield from self._decoder

    def close(self) -> None:
        self._decoder.close()
        self._container.close()

    def _decode(self) -> Generator[Frame, None, None]:
        index = bad = 0
        begin: float | None = None
        packets = self._container.demux(self._video)
        while (packet := next(packets, None)) is not None:
            try:
                pictures = packet.decode()
            except self._errors:
                # A damaged packet costs its own picture; a file of nothing else is no video.
                bad += 1
                if bad > MAX_BAD_IN_A_ROW:
                    raise
                continue
            for picture in pictures:
                bad = 0
                check_size(self.text, picture.width, picture.height)
                begin = picture.time if begin is None else begin
                media_s = (
                    index / self.fps if picture.time is None else max(0.0, picture.time - (begin or 0.0))
                )
                yield Frame(picture.to_ndarray(format="bgr24"), media_s, datetime.now(UTC), index)
                index += 1


class FileSource(_AvSource):
    """A video file."""

    def __init__(self, text: str, path: Path) -> None:
        import av

        if path.stat().st_size == 0:
            raise ConfigError(f"source {text!r}: the file is empty")
        try:
            super().__init__(text, str(path.absolute()), {}, None)
        except (av.error.FFmpegError, ValueError) as error:
            raise ConfigError(f"source {text!r}: not a video that can be read ({_reason(error)})") from error
        if self._first is None:
            self.close()
            raise ConfigError(f"source {text!r}: the video holds no picture")
        if self.frames is None and self._container.duration:
            self.frames = max(1, round(self._container.duration / 1e6 * self.fps))

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from super().__iter__()
        except self._errors as error:
            raise ConfigError(f"source {self.text!r}: broken in the middle ({_reason(error)})") from error


class StreamSource(_AvSource):
    """A network stream; raises Unavailable when it ends or does not deliver in time."""

    live = True

    def __init__(self, text: str) -> None:
        import av

        options = {"rtsp_transport": "tcp", "fflags": "nobuffer"} if text.lower().startswith("rtsp") else {}
        self._shown = _without_password(text)
        try:
            super().__init__(text, text, options, (OPEN_TIMEOUT_S, READ_TIMEOUT_S))
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise Unavailable(f"source {self._shown!r} does not answer ({_reason(error)})") from error
        if self._first is None:
            self.close()
            raise Unavailable(f"source {self._shown!r} sends no picture")

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from super().__iter__()
        except self._errors as error:
            raise Unavailable(f"source {self._shown!r} broke off ({_reason(error)})") from error


class DeviceSource(Source):
    """A camera on this machine, by its number."""

    live = True

    def __init__(self, text: str) -> None:
        import cv2

        super().__init__(text)
        quiet: Any = cv2
        quiet.utils.logging.setLogLevel(0)
        self._capture = cv2.VideoCapture(int(text))
        is_read, image = self._capture.read() if self._capture.isOpened() else (False, None)
        if not is_read or image is None:
            self._capture.release()
            raise Unavailable(
                f"source {text!r}: no camera /dev/video{text} delivers pictures on this machine"
            )
        self.height, self.width = image.shape[:2]
        check_size(text, self.width, self.height)
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or 25.0

    def __iter__(self) -> Iterator[Frame]:
        begin, index = time.monotonic(), 0
        while True:
            is_read, image = self._capture.read()
            if not is_read:
                raise Unavailable(f"source {self.text!r}: the camera delivers no more pictures")
            yield Frame(np.asarray(image, dtype=np.uint8), time.monotonic() - begin, datetime.now(UTC), index)
            index += 1

    def close(self) -> None:
        self._capture.release()


def check_size(text: str, width: int, height: int) -> None:
    """Refuse pictures that would fill the memory; raises ConfigError."""
    if width > MAX_SIDE_PX or height > MAX_SIDE_PX or width * height > MAX_PIXELS:
        raise ConfigError(
            f"source {text!r}: pictures of {width} x {height} px; "
            f"at most {MAX_SIDE_PX} px a side and {MAX_PIXELS // 1_000_000} megapixels are allowed"
        )


def _video_of(text: str, container: Any) -> Any:
    if not container.streams.video:
        raise ConfigError(f"source {text!r}: holds no video")
    return container.streams.video[0]


def _images(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    return sorted(found, key=lambda path: _natural(path.name))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def _read_image(text: str, path: Path) -> Image | None:
    import av
    import cv2

    try:
        # The header tells the size before anything of it is unpacked.
        with av.open(str(path)) as container:
            codec = container.streams.video[0].codec_context
            if codec.width <= 0:
                return None
            check_size(text, codec.width, codec.height)
    except (av.error.FFmpegError, IndexError, ValueError):
        return None
    try:
        image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", url)
