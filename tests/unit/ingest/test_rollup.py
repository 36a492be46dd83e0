"""Buckets: each instant in exactly one, coarser ones made of whole finer ones."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.rollup import STEPS, floor

# Hypothesis wants its bounds without a zone.
INSTANTS = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
MINUTE = timedelta(minutes=1)


@given(INSTANTS)
def test_an_instant_lies_in_its_bucket(at: datetime) -> None:
    for _, _, width in STEPS:
        start = floor(at, width)
        assert start <= at < start + width
        assert floor(start, width) == start


@given(INSTANTS)
def test_a_finer_bucket_lies_whole_in_a_coarser_one(at: datetime) -> None:
    finer, finer_width = floor(at, MINUTE), MINUTE
    for _, _, width in STEPS:
        start = floor(finer, width)
        assert start == floor(at, width)
        assert finer + finer_width <= start + width
        finer, finer_width = start, width


@given(INSTANTS)
def test_a_day_begins_at_midnight_utc(at: datetime) -> None:
    assert floor(at, STEPS[-1][2]) == at.replace(hour=0, minute=0, second=0, microsecond=0)
