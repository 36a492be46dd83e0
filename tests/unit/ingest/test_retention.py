"""How long each stream is kept."""

from datetime import timedelta

import msgspec

from citybrain.codec import encode
from citybrain.config import Ingest, Settings
from citybrain.messages import Stored
from ingest.arrival import Arrival
from ingest.gate import Admitted, Refused, Verdict, admit
from ingest.retention import before, days, window_of
from tests.fixtures import street_messages as make

SETTINGS = msgspec.structs.replace(
    Settings(), ingest=Ingest(retention_days=100, retain_days={"signal_state": 10, "rollup_1day": 3650})
)


def verdict(message: Stored, topic: str) -> Verdict:
    return admit(Arrival(f"city/v1/{topic}", encode(message)), window_of(SETTINGS), make.now())


def test_coarse_rollups_stay_for_ever_unless_they_are_named() -> None:
    assert days(SETTINGS, "rollup_1h") is None
    assert days(SETTINGS, "rollup_1min") == 100
    assert days(SETTINGS, "rollup_1day") == 3650
    assert before(SETTINGS, "rollup_1h", make.now()) is None


def test_a_stream_with_a_time_of_its_own_is_dropped_by_it() -> None:
    now = make.now()
    assert before(SETTINGS, "signal_state", now) == now - timedelta(days=10)
    assert before(SETTINGS, "signal_command", now) == now - timedelta(days=100)


def test_nothing_is_let_in_that_its_streams_retention_would_drop() -> None:
    old = make.now() - timedelta(days=11)
    refused = verdict(make.state(at=old), "signal/x1/state")
    assert isinstance(refused, Refused)
    assert refused.reason == "older than the 10 days that are taken"
    assert isinstance(verdict(make.lanes(at=old), "lanes/a/measurement"), Admitted)
