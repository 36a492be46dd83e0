"""How much a device may send, and what leads into quarantine and out of it."""

from hypothesis import given
from hypothesis import strategies as st

from citybrain.config import Ingest
from ingest.gate import owner
from ingest.guard import FAULTS_S, KEPT_LETTERS, Guard, Limits, Passage

LIMITS = Limits(rate_per_s=10, burst=20, refusals=5, replays=50)


def test_a_burst_passes_and_what_goes_on_too_quickly_is_held() -> None:
    guard = Guard(LIMITS)
    assert [guard.judge("sensor/a", 0.0) for _ in range(21)] == [Passage.OPEN] * 20 + [Passage.HELD]
    assert guard.judge("sensor/b", 0.0) is Passage.OPEN
    assert guard.judge("sensor/a", 0.11) is Passage.OPEN
    assert guard.held == 1


@given(st.lists(st.floats(0, 5), min_size=1, max_size=300))
def test_over_any_time_a_device_gets_no_more_than_its_burst_and_rate(gaps: list[float]) -> None:
    guard = Guard(LIMITS)
    now = 0.0
    passed = 0
    for gap in gaps:
        now += gap
        passed += guard.judge("sensor/a", now) is Passage.OPEN
    assert passed <= LIMITS.burst + LIMITS.rate_per_s * sum(gaps) + 1e-6


def test_without_a_rate_nothing_is_held() -> None:
    guard = Guard(Limits.of(Ingest(device_rate_per_s=0)))
    assert all(guard.judge("sensor/a", 0.0) is Passage.OPEN for _ in range(100_000))


def test_refusals_within_a_minute_lead_into_quarantine_with_the_last_reason() -> None:
    guard = Guard(LIMITS)
    for second in range(5):
        assert guard.judge("sensor/a", second) is Passage.OPEN
        guard.refused("sensor/a", "not JSON", second)
    assert guard.judge("sensor/a", 5.0) is Passage.QUARANTINED
    assert guard.judge("sensor/b", 5.0) is Passage.OPEN
    assert guard.reason("sensor/a") == "5 messages refused within 60 s, the last one: not JSON"
    assert guard.news() == ({"sensor/a": guard.reason("sensor/a")}, {"sensor/a": 1})


def test_refusals_now_and_then_do_not() -> None:
    guard = Guard(LIMITS)
    for number in range(50):
        guard.refused("sensor/a", "x", number * FAULTS_S / 3)
    assert guard.quarantined == 0


def test_many_replays_lead_into_quarantine() -> None:
    guard = Guard(LIMITS)
    guard.replayed([("sensor/a", 1, seq) for seq in range(1, 50)], 0.0)
    assert guard.quarantined == 0
    guard.replayed([("sensor/a", 1, 1), ("sensor/b", 1, 1)], 1.0)
    assert guard.reason("sensor/a") == "50 messages replayed within 60 s"
    assert guard.reason("sensor/b") == ""


def test_of_a_quarantined_device_a_few_messages_are_kept_and_all_are_counted() -> None:
    guard = Guard(LIMITS)
    guard.settle({"sensor/a": "by hand"})
    passages = [guard.judge("sensor/a", 0.0) for _ in range(100)]
    assert passages == [Passage.QUARANTINED] * KEPT_LETTERS + [Passage.TURNED_AWAY] * (100 - KEPT_LETTERS)
    assert guard.news() == ({}, {"sensor/a": 100})


def test_who_is_released_comes_in_with_a_clean_sheet() -> None:
    guard = Guard(LIMITS)
    for _ in range(5):
        guard.refused("sensor/a", "x", 0.0)
    guard.news()
    guard.settle({})
    assert guard.judge("sensor/a", 1.0) is Passage.OPEN
    guard.refused("sensor/a", "x", 1.0)
    assert guard.quarantined == 0
    assert guard.news() == ({}, {})


def test_the_owner_of_a_topic_is_its_device_and_of_a_command_nobody() -> None:
    assert owner("city/v1/signal/x1/state") == "signal/x1"
    assert owner("city/v1/signal/x1/command") == ""
    assert owner("nonsense") == ""
