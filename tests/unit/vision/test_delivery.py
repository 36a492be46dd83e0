"""What stands between the network and the group: slots, JPEG bounds, resending, who serves whom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ContractError
from vision.assignment import owned, owner
from vision.jpeg import decode_jpeg, encode_jpeg, jpeg_size
from vision.resend import CAPACITY, Unacknowledged
from vision.slots import LatestFrames

PICTURE = np.random.default_rng(1).integers(0, 255, (48, 64, 3)).astype(np.uint8)


def test_the_latest_frame_wins_and_what_it_replaced_is_counted() -> None:
    frames = LatestFrames()
    for payload in (b"1", b"2", b"3"):
        frames.offer("a", payload)
    assert frames.take(0) == ("a", b"3")
    assert frames.take(0) is None
    assert (frames.received["a"], frames.dropped["a"]) == (3, 2)


def test_a_busy_camera_does_not_starve_another() -> None:
    frames = LatestFrames()
    for turn in range(4):
        frames.offer("busy", b"%d" % turn)
        frames.offer("calm", b"x")
        frames.offer("busy", b"%d" % turn)
    assert [taken[0] for _ in range(2) if (taken := frames.take(0))] == ["busy", "calm"]


def test_a_jpeg_comes_back_as_it_was() -> None:
    jpeg = encode_jpeg(PICTURE, 95)
    assert jpeg_size(jpeg) == (64, 48)
    assert decode_jpeg(jpeg).shape == PICTURE.shape


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    jpeg = bytearray(encode_jpeg(PICTURE))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(ContractError, match="65535x65535"):
        decode_jpeg(bytes(jpeg))


@given(st.binary(max_size=200).map(lambda tail: b"\xff\xd8" + tail))
def test_no_bytes_raise_anything_but_a_contract_error(jpeg: bytes) -> None:
    with pytest.raises(ContractError):
        decode_jpeg(jpeg)


def test_messages_are_said_again_until_they_are_stored() -> None:
    kept = Unacknowledged()
    for seq in (1, 2, 3):
        kept.add(seq, "t", b"%d" % seq, 0.0)
    assert kept.due(1.0) == []
    assert [letter.seq for letter in kept.due(6.0)] == [1, 2, 3]
    kept.settle(2)
    assert [letter.seq for letter in kept.due(30.0)] == [3]
    kept.settle(3)
    assert len(kept) == 0


def test_what_waits_is_bounded_and_the_oldest_goes() -> None:
    kept = Unacknowledged(capacity=3)
    for seq in range(1, 6):
        kept.add(seq, "t", b"", 0.0)
    assert [letter.seq for letter in kept.due(100.0)] == [3, 4, 5]
    assert kept.dropped == 2
    assert CAPACITY > 1000


@given(st.integers(1, 8), st.integers(1, 60))
def test_every_camera_has_one_owner_and_only_a_lost_groups_cameras_move(groups: int, cameras: int) -> None:
    names = [f"group{k}" for k in range(groups)]
    eyes = [f"camera{k}" for k in range(cameras)]
    shares = [owned(name, eyes, names) for name in names]
    assert sorted(camera for share in shares for camera in share) == sorted(eyes)
    for camera in eyes:
        before = owner(camera, names)
        rest = [name for name in names if name != "group0"]
        if before != "group0":
            assert owner(camera, rest) == before


def test_without_groups_nobody_serves() -> None:
    assert owned("group1", ["a"], []) == set()
