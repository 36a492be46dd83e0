"""MQTT packets: whatever way the bytes come in, the messages are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import packets
from ingest.packets import PacketError, read

TOPICS = st.text("abc/Köln", min_size=1, max_size=200)
MESSAGES = st.lists(st.tuples(TOPICS, st.binary(max_size=20_000)), max_size=12)
MAX = 1_000_000


@given(MESSAGES, st.lists(st.integers(1, 700), min_size=1, max_size=50))
def test_messages_are_the_same_however_the_bytes_are_cut(
    messages: list[tuple[str, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(
        packets.publish(number, topic, payload) for number, (topic, payload) in enumerate(messages, 1)
    )
    found, replies, rest, place = [], b"", b"", 0
    for size in [*cuts, len(stream)]:
        one = read(rest + stream[place : place + size], MAX)
        found += one.messages
        replies += one.replies
        rest, place = one.rest, place + size
    assert found == messages
    assert rest == b""
    assert replies == b"".join(b"\x40\x02" + n.to_bytes(2, "big") for n in range(1, len(messages) + 1))


@given(st.binary(max_size=400))
def test_noise_is_refused_or_awaits_more_and_never_crashes(noise: bytes) -> None:
    try:
        found = read(noise, MAX)
    except PacketError:
        return
    assert len(found.rest) <= len(noise)


@pytest.mark.parametrize(
    "wrong",
    [
        b"\x34\x05\x00\x01a\x00\x01",  # QoS 2
        b"\x32\x04\x00\x09ab",  # a topic longer than its packet
        b"\x10\x00",  # a CONNECT from a broker
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x30\x80\x80\x80\x01" + b"x" * 10,  # longer than allowed
    ],
)
def test_what_no_broker_may_send_is_refused(wrong: bytes) -> None:
    with pytest.raises(PacketError):
        read(wrong, MAX)


def test_answers_to_connect_and_subscribe_are_told() -> None:
    found = read(b"\x20\x02\x00\x05" + b"\x90\x04\x00\x01\x01\x80" + b"\xd0\x00", MAX)
    assert (found.connack, found.subacks, found.messages) == (5, [1, 0x80], [])
    assert found.connack in packets.REFUSALS
