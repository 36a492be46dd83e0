"""Sources: what can be read is read in order; what cannot is told in one sentence that names it."""

import http.server
import struct
import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from citybrain.errors import ConfigError, Unavailable
from citybrain.sources import open_source, paced
from tests.fixtures.loopback import answering

FRAMES, FPS, WIDTH, HEIGHT = 24, 12, 96, 64


def picture(index: int) -> Any:
    return np.full((HEIGHT, WIDTH, 3), 10 * index % 250, dtype=np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(FRAMES):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture(index), format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f"img{index}.png"), picture(index))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_video_file_gives_its_frames_in_order_with_their_times(video: Path) -> None:
    with open_source(str(video)) as source:
        assert (source.fps, source.width, source.height, source.frames) == (FPS, WIDTH, HEIGHT, FRAMES)
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert frames[12].media_s == pytest.approx(1.0, abs=0.01)
    assert frames[5].image_bgr.shape == (HEIGHT, WIDTH, 3)
    assert frames[5].image_bgr.dtype == np.uint8
    assert frames[5].image_bgr.mean() == pytest.approx(50, abs=4)
    assert frames[0].captured_at.tzinfo is not None


def test_a_folder_gives_its_images_in_natural_order_at_the_rate_asked_for(folder: Path) -> None:
    with open_source(str(folder), fps=4) as source:
        frames = list(source)
        assert (source.frames, source.fps, source.width) == (3, 4, WIDTH)
    assert [int(frame.image_bgr.mean()) for frame in frames] == [10, 20, 100]
    assert [frame.media_s for frame in frames] == [0.0, 0.25, 0.5]


def test_a_single_image_is_a_folder_of_one(folder: Path) -> None:
    with open_source(str(folder / "img2.png")) as source:
        assert len(list(source)) == 1


def test_an_image_that_cannot_be_read_is_passed_over(folder: Path) -> None:
    (folder / "img3.png").write_bytes(b"\x89PNG broken")
    with open_source(str(folder)) as source:
        assert [frame.index for frame in source] == [0, 1, 3]


def test_a_damaged_video_gives_what_can_be_read(video: Path, tmp_path: Path) -> None:
    data = bytearray(video.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    (tmp_path / "d.mp4").write_bytes(data)
    with open_source(str(tmp_path / "d.mp4")) as source:
        assert 0 < len(list(source)) <= FRAMES


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nothing.mp4", None, "no such file or folder"),
        ("empty.mp4", b"", "is empty"),
        ("garbage.mp4", b"this is no video" * 500, "not a video that can be read"),
        ("text.txt", b"hello", "not a video that can be read"),
        ("broken.jpg", b"\xff\xd8\xff broken", "none of its images can be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name}.*{reason}"):
        open_source(str(tmp_path / name))


def test_a_video_cut_before_its_index_is_refused(video: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.mp4").write_bytes(video.read_bytes()[:500])
    with pytest.raises(ConfigError, match=r"cut\.mp4"):
        open_source(str(tmp_path / "cut.mp4"))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder holds no"):
        open_source(str(tmp_path))


def test_an_unknown_kind_of_url_is_refused() -> None:
    with pytest.raises(ConfigError, match="use rtsp:// or http://"):
        open_source("gopher://camera/1")


def test_a_device_that_is_not_there_may_come_later() -> None:
    with pytest.raises(Unavailable, match="/dev/video97"):
        open_source("97")


def test_a_stream_that_does_not_answer_may_come_later_and_its_password_is_not_told() -> None:
    with pytest.raises(Unavailable, match="does not answer") as caught:
        open_source("http://user:secret@127.0.0.1:9/stream")
    assert "secret" not in str(caught.value)


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(ConfigError, match=r"60000 x 60000 px|none of its images"):
        open_source(str(tmp_path))


@pytest.fixture
def url(video: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(video.parent)))
    with answering(server):
        yield f"http://127.0.0.1:{server.server_port}/v.mp4"


def test_a_network_stream_is_live(url: str) -> None:
    with open_source(url) as source:
        assert source.live
        assert len(list(source)) == FRAMES


def test_a_file_is_played_at_its_own_speed(video: Path) -> None:
    begin = time.monotonic()
    with open_source(str(video)) as source:
        played = list(paced(source))
    assert len(played) + sum(dropped for _, dropped in played) == FRAMES
    assert time.monotonic() - begin >= (FRAMES - 1) / FPS


def test_who_is_slow_gets_fewer_frames_and_no_lag(video: Path) -> None:
    taken = dropped = 0
    with open_source(str(video)) as source:
        for _, late in paced(source):
            taken, dropped = taken + 1, dropped + late
            time.sleep(0.3)
    assert dropped > 0
    assert taken + dropped <= FRAMES
