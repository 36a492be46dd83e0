"""Who may say what on which topic, and when."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.codec import encode
from citybrain.config import Ingest, Settings
from citybrain.messages import Message
from ingest.arrival import Arrival
from ingest.gate import Admitted, Cleared, Refused, Status, Verdict, Window, admit
from ingest.retention import window_of
from tests.fixtures import street_messages as make

WINDOW = Window(past=timedelta(days=400), future=timedelta(seconds=300))


def verdict(message: Message | bytes, topic: str) -> Verdict:
    payload = message if isinstance(message, bytes) else encode(message)
    return admit(Arrival(f"city/v1/{topic}", payload), WINDOW, make.now())


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        (make.lanes(), "lanes/a/measurement"),
        (make.turning(), "camera/cam1/measurement"),
        (make.turning(device="camera/cam1"), "camera/cam1/measurement"),
        (make.event(), "camera/cam1/event"),
        (make.event(camera=None), "vision/group-1/event"),
        (make.state(), "signal/x1/state"),
        (make.command(), "signal/x1/command"),
        (make.answer(), "signal/x1/answer"),
        (make.config(), "signal/x1/config"),
        (make.observation(), "sensor/s1/observation"),
        (make.network(part=2, parts=3), "network/main/part2"),
    ],
)
def test_what_belongs_on_its_topic_is_admitted(message: Message, topic: str) -> None:
    found = verdict(message, topic)
    assert isinstance(found, Admitted)
    assert found.message == message


@pytest.mark.parametrize(
    ("message", "topic", "field"),
    [
        (make.lanes(), "lanes/b/measurement", "$.device"),
        (make.lanes(), "signal/a/measurement", "$.device"),
        (make.turning(), "camera/cam2/measurement", "$.camera"),
        (make.turning(device="lanes/a"), "camera/cam1/measurement", "$.device"),
        (make.event(), "camera/cam2/event", "$.camera"),
        (make.state(), "signal/x2/state", "$.device"),
        (make.state(intersection="x2"), "signal/x1/state", "$.intersection"),
        (make.command(device="signal/x1"), "signal/x1/command", "$.device"),
        (make.command(), "signal/x2/command", "$.intersection"),
        (make.command(device="vision/group-1"), "signal/x1/command", "$.device"),
        (make.state(), "signal/x1/command", "$.type"),
        (make.observation(), "sensor/s1/event", "$.type"),
        (make.status("signal/x2"), "signal/x1/status", "$.device"),
        (make.network(part=2, parts=3), "network/main/part1", "$.part"),
        (make.network(part=3, parts=2), "network/main/part3", "$.part"),
        (make.lanes(), "lanes/a/frame", "$.type"),
    ],
)
def test_what_belongs_elsewhere_is_refused_with_the_field(message: Message, topic: str, field: str) -> None:
    found = verdict(message, topic)
    assert isinstance(found, Refused)
    assert found.field == field


def test_nobody_settles_the_messages_of_another() -> None:
    foreign = verdict(make.lanes(device="lanes/victim"), "lanes/a/measurement")
    own = verdict(encode(make.lanes()).replace(b'"vehicles":3', b'"vehicles":-3'), "lanes/a/measurement")
    assert isinstance(foreign, Refused)
    assert isinstance(own, Refused)
    assert (foreign.key, own.key) == (None, ("lanes/a", make.BOOT, 1))


def test_a_clock_that_runs_ahead_is_refused_and_one_within_the_limit_is_not() -> None:
    ahead = verdict(make.lanes(at=make.now() + timedelta(seconds=310)), "lanes/a/measurement")
    assert isinstance(ahead, Refused)
    assert ahead.field == "$.at"
    assert ahead.key is not None
    assert isinstance(
        verdict(make.lanes(at=make.now() + timedelta(seconds=290)), "lanes/a/measurement"), Admitted
    )
    status = make.status("signal/x1", at=make.now() + timedelta(days=1))
    assert isinstance(verdict(status, "signal/x1/status"), Refused)


def test_what_is_older_than_the_retention_is_refused_unless_it_is_retained() -> None:
    old = make.now() - timedelta(days=401)
    assert isinstance(verdict(make.lanes(at=old), "lanes/a/measurement"), Refused)
    assert isinstance(verdict(make.config(at=old), "signal/x1/config"), Admitted)
    assert isinstance(verdict(make.status("signal/x1", at=old), "signal/x1/status"), Status)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    backwards = make.turning(end_at=make.now() - timedelta(seconds=9))
    found = verdict(backwards, "camera/cam1/measurement")
    assert isinstance(found, Refused)
    assert found.field == "$.end_at"


def test_a_retained_message_that_was_taken_back_is_no_fault() -> None:
    assert isinstance(verdict(b"", "signal/x1/config"), Cleared)


@given(st.binary(max_size=200), st.text(max_size=40))
def test_any_bytes_on_any_topic_get_a_verdict(payload: bytes, topic: str) -> None:
    found = admit(Arrival(topic, payload), WINDOW, make.now())
    assert isinstance(found, Refused)
    assert found.reason


@given(st.integers(0, len(encode(make.lanes())) - 1), st.integers(0, 255))
def test_a_flipped_byte_never_raises(place: int, byte: int) -> None:
    payload = bytearray(encode(make.lanes()))
    payload[place] = byte
    assert isinstance(verdict(bytes(payload), "lanes/a/measurement"), Admitted | Refused)


def test_a_boot_and_other_times_from_the_future_are_refused() -> None:
    tomorrow = make.now() + timedelta(days=1)
    for message, topic, field in (
        (make.lanes(boot=make.BOOT + 10**9), "lanes/a/measurement", "$.boot"),
        (make.status("signal/x1", boot=2**53), "signal/x1/status", "$.boot"),
        (make.turning(end_at=tomorrow), "camera/cam1/measurement", "$.end_at"),
        (make.event(start_at=tomorrow), "camera/cam1/event", "$.start_at"),
        (make.answer(issued_at=tomorrow), "signal/x1/answer", "$.issued_at"),
    ):
        found = verdict(message, topic)
        assert isinstance(found, Refused)
        assert found.field == field


@pytest.mark.parametrize(("topic", "most"), [("sensor/s1/observation", 8_192), ("sensor/s1/event", 65_536)])
def test_a_payload_may_be_as_large_as_its_topic_needs(topic: str, most: int) -> None:
    message = (
        make.observation() if topic.endswith("observation") else make.event(device="sensor/s1", camera=None)
    )
    assert isinstance(verdict(encode(message).ljust(most), topic), Admitted)
    found = verdict(encode(message).ljust(most + 1), topic)
    assert isinstance(found, Refused)
    assert found.reason == f"message of {most + 1} bytes, at most {most} are allowed on {topic.split('/')[2]}"


def test_the_window_follows_the_settings() -> None:
    def of(**values: Any) -> Window:
        return window_of(Settings(ingest=Ingest(**values)))

    assert of(retention_days=10).past == timedelta(days=10)
    assert of(retention_days=10, past_days=3, future_s=5) == Window(timedelta(days=3), timedelta(seconds=5))
    assert of(retention_days=10, past_days=30).past == timedelta(days=10)
