"""The hub of server-sent events."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command.stream import Client, Hub
from tests.fixtures.command import Sse, read_events


def run(job: Coroutine[Any, Any, None]) -> None:
    asyncio.run(job)


async def taken(client: Client) -> list[Sse]:
    """What is queued, as a browser would see it; the stream is closed by this."""
    client.close()
    text = b"".join([piece async for piece in client.read()]).decode()
    return list(read_events(iter(text.split("\n"))))


def test_each_client_gets_its_channels_in_order() -> None:
    async def job() -> None:
        hub = Hub(1)
        client = hub.join(["signals"], None)
        for number in range(3):
            hub.publish("signals", {"items": [number]})
            hub.publish("lanes", {"items": [number]})
        events = await taken(client)
        assert [event.event for event in events] == ["signals"] * 3
        assert [event.data["items"] for event in events] == [[0], [1], [2]]

    run(job())


@given(
    published=st.lists(st.sampled_from(["signals", "lanes"]), min_size=1, max_size=30), cut=st.integers(0, 30)
)
def test_a_client_that_resumes_misses_nothing_and_gets_nothing_twice(published: list[str], cut: int) -> None:
    async def job() -> None:
        hub = Hub(1)
        first = hub.join(["signals"], None)
        cut_at = min(cut, len(published))
        for number, channel in enumerate(published[:cut_at]):
            hub.publish(channel, number)
        before = await taken(first)
        hub.leave(first)
        for number, channel in enumerate(published[cut_at:], cut_at):
            hub.publish(channel, number)
        last_id = before[-1].id if before else "1-0"
        after = await taken(hub.join(["signals"], last_id))
        seen = [event.data for event in before + after]
        assert seen == [number for number, channel in enumerate(published) if channel == "signals"]

    run(job())


@pytest.mark.parametrize("last", ["2-1", "1-99", "nonsense", "1-0", "-1--1", "1-" + "9" * 40])
def test_an_id_that_cannot_be_resumed_from_leads_to_reset(last: str) -> None:
    async def job() -> None:
        hub = Hub(1, ring_events=5)
        for number in range(10):
            hub.publish("signals", number)
        (event,) = await taken(hub.join(["signals"], last))
        assert (event.event, event.data, event.id) == ("reset", {}, "1-10")

    run(job())


def test_the_ring_is_bounded_in_bytes() -> None:
    async def job() -> None:
        hub = Hub(1, ring_bytes=2_000)
        for _ in range(100):
            hub.publish("signals", "x" * 500)
        (event,) = await taken(hub.join(["signals"], "1-10"))
        assert event.event == "reset"
        assert 1 <= len(await taken(hub.join(["signals"], "1-98"))) <= 2

    run(job())


def test_a_client_that_does_not_read_is_told_to_start_over_and_costs_no_memory() -> None:
    async def job() -> None:
        hub = Hub(1)
        slow = hub.join(["signals"], None, limit=5)
        for number in range(1_000):
            hub.publish("signals", number)
        assert hub.overruns > 0
        events = await taken(slow)
        assert len(events) <= 5
        assert events[0].event == "reset"
        numbers = [int(event.id.split("-")[1]) for event in events]
        assert numbers == list(range(numbers[0], 1_001))

    run(job())


def test_reset_reaches_every_channel() -> None:
    async def job() -> None:
        hub = Hub(1)
        client = hub.join(["kpis"], None)
        hub.publish("reset", {})
        assert [event.event for event in await taken(client)] == ["reset"]

    run(job())


def test_silence_is_filled_with_comments_and_closing_ends_the_stream() -> None:
    async def job() -> None:
        hub = Hub(1)
        client = hub.join(["kpis"], None)
        reader = client.read(heartbeat_s=0.01)
        assert (await anext(reader)).startswith(b"retry: 1000\nid: 1-0\n")
        assert await anext(reader) == b": alive\n\n"
        hub.close()
        assert [piece async for piece in reader] == []
        assert [piece async for piece in hub.join(["kpis"], None).read()][1:] == []

    run(job())
