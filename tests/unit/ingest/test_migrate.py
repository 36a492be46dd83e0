"""The files of migrations: every level has every number, and any change is noticed."""

import pytest

from citybrain.errors import ConfigError
from ingest.database import Level, place
from ingest.migrate import WHERE, available, check


def test_every_level_has_every_number_once() -> None:
    every = sorted({found.number for found in available()})
    for level in Level:
        numbers = [found.number for found in available() if level in WHERE[found.where]]
        assert numbers == every, level


def test_what_was_applied_is_compared_with_what_is_known() -> None:
    known = available()
    sums = {found.name: found.checksum for found in known}
    check(sums, known)
    with pytest.raises(ConfigError, match="was changed"):
        check(sums | {known[0].name: "other"}, known)
    with pytest.raises(ConfigError, match="newer release"):
        check(sums | {"0999_future.sql": "other"}, known)


@pytest.mark.parametrize(
    "dsn", ["postgresql://u:hunter2@h:5/d", "host=h port=5 dbname=d user=u password=hunter2"]
)
def test_a_password_is_never_part_of_the_place(dsn: str) -> None:
    assert place(dsn) == "h:5/d"
