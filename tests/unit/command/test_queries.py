"""The named queries."""

import pytest

from citybrain.errors import ConfigError
from command import database
from command.database import check_dsn


def test_every_query_is_named_described_and_one_statement() -> None:
    found = database.queries()
    assert {"lane_raw", "lane_bucket", "event_page", "is_migrated"} <= found.keys()
    for query in found.values():
        assert query.about.endswith("."), f"{query.name} is not described"
        assert query.sql.lower().startswith("select")
        assert ";" not in query.sql


def test_a_file_is_split_at_its_names() -> None:
    first, second = database.parse(
        "-- name: one\n-- About\n-- one.\nselect 1;\n\n-- name: two\n-- B.\nselect\n2;\n"
    )
    assert (first.name, first.about, first.sql) == ("one", "About one.", "select 1")
    assert (second.name, second.sql) == ("two", "select\n2")


@pytest.mark.parametrize("dsn", ["postgres:/x=1=2", "colour=blue", "nonsense", "postgresql://[::1"])
def test_a_wrong_dsn_is_named(dsn: str) -> None:
    with pytest.raises(ConfigError, match=r"^database\.dsn"):
        check_dsn(dsn)
