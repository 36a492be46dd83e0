"""p50 and p99 of the main questions to the API, over HTTP, upon a month of one-minute data."""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import numpy as np

from citybrain import config
from citybrain.config import Settings
from tests.fixtures.command import serving

SEED = 1
GOAL_MS = 100.0
Question = tuple[str, dict[str, Any]]


def questions(lanes: int, days: int, number: random.Random) -> dict[str, Callable[[], Question]]:
    """What is asked, each time of another lane and another hour."""

    def past(most: timedelta) -> datetime:
        return datetime.now(UTC) - most * number.random()

    def span(length: timedelta, at: datetime | None = None) -> dict[str, str]:
        end = at or past(timedelta(days=days) - length)
        return {"from": (end - length).isoformat(), "to": end.isoformat()}

    def lane() -> str:
        return f"l{number.randrange(lanes)}"

    day, hour, month = timedelta(days=1), timedelta(hours=1), timedelta(days=days)
    now = datetime.now(UTC)
    week = {
        "before_from": (now - 14 * day).isoformat(), "before_to": (now - 7 * day).isoformat(),
        "after_from": (now - 7 * day).isoformat(), "after_to": now.isoformat(),
    }  # fmt: skip

    def changes() -> Question:
        at = past(2 * day)
        return "playback/changes", span(timedelta(minutes=5), at) | {"step_s": 15}

    measured = "measurements/lanes"
    return {
        "one lane, a day by the minute": lambda: (measured, span(day) | {"lane": lane()}),
        "one lane, a month by the hour": lambda: (
            measured, span(month, now) | {"lane": lane(), "bucket": "1h"},
        ),
        "one junction, an hour by the minute": lambda: (
            measured, span(hour) | {"intersection": f"i{number.randrange(lanes // 8)}"},
        ),
        "all lanes, an hour by 15 minutes": lambda: (measured, span(hour) | {"bucket": "15min"}),
        "one lane as it came, an hour": lambda: (measured, span(hour) | {"lane": lane(), "bucket": "raw"}),
        "figures of a day by the hour": lambda: ("figures", span(day)),
        "figures of a month by the hour": lambda: ("figures", span(month, now)),
        "figures of a month by the day": lambda: ("figures", span(month, now) | {"bucket": "1day"}),
        "a week compared with the one before": lambda: ("figures/comparison", week),
        "the city at a past moment": lambda: ("playback/state", {"at": past(month).isoformat()}),
        "ten seconds of playback at 30x": changes,
        "events of a day": lambda: ("events", span(day)),
        "alarms": lambda: ("alarms", {"state": ["open", "acknowledged", "closed"]}),
        "the sheet of a shift": lambda: ("shift", span(8 * hour)),
    }  # fmt: skip


def measure(dsn: str, lanes: int, days: int, rounds: int) -> Iterator[dict[str, Any]]:
    """One after the other, `rounds` times each after one that does not count; milliseconds."""
    settings = msgspec.structs.replace(
        Settings(),
        site=config.Site(name="bench"),
        broker=config.Broker(url="mqtt://127.0.0.1:9"),
        database=config.Database(dsn=dsn),
        trust=config.Trust(requests_per_minute=1_000_000),
    )
    with serving(settings) as served, served.client() as client:
        for name, question in questions(lanes, days, random.Random(SEED)).items():
            _ask(client, *question())
            found = [_ask(client, *question()) for _ in range(rounds)]
            p50, p99 = np.quantile([one[0] for one in found], [0.5, 0.99])
            yield {
                "question": name, "p50_ms": round(p50, 1), "p99_ms": round(p99, 1),
                "bytes": int(np.mean([one[1] for one in found])), "within_goal": bool(p99 < GOAL_MS),
            }  # fmt: skip


def _ask(client: httpx.Client, path: str, asked: dict[str, Any]) -> tuple[float, int]:
    started_s = time.perf_counter()
    answer = client.get(f"/api/v1/{path}", params=asked)
    took_ms = (time.perf_counter() - started_s) * 1000
    assert answer.status_code == 200, answer.text[:300]
    return took_ms, len(answer.content)
