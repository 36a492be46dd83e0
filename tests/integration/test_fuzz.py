"""Broken and malicious messages end to end; `python -m bench.fuzz` sends a hundred thousand."""

import msgspec

from bench.fuzz import fuzz
from citybrain import config
from citybrain.config import Settings


def test_each_broken_message_is_a_dead_letter_with_its_reason_and_each_good_one_is_stored(
    settings: Settings, migrated_dsn: str
) -> None:
    city = msgspec.structs.replace(settings, database=config.Database(dsn=migrated_dsn))
    outcome = fuzz(city, 1_500, seed=7)
    assert outcome["dead_letters"] > 800
    assert outcome["kinds_of_reason"] > 10
