"""Dead letters: look at what was refused, try it again, let it go."""

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from citybrain.errors import ConfigError
from ingest.arrival import Arrival
from ingest.database import Connection
from ingest.gate import Admitted, Refused, Status, Window, admit
from ingest.store import Batch, Store

_COLUMNS = "select id, received_at, topic, reason, field, payload, is_settled from dead_letter"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be stored."""

    id: int
    received_at: datetime
    topic: str
    reason: str
    field: str
    payload: bytes
    is_settled: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters; what is None lets all through."""

    topic: str | None = None
    """With `*` for anything."""
    reason: str | None = None
    """A part of it, in any case."""
    field: str | None = None
    """With `*` for anything."""
    since: datetime | None = None
    until: datetime | None = None
    """Received before."""

    @property
    def is_empty(self) -> bool:
        return self == Filter()

    def given(self) -> dict[str, object]:
        return {
            "topic": _pattern(self.topic),
            "reason": None if self.reason is None else f"%{_literal(self.reason)}%",
            "field": _pattern(self.field),
            "since": self.since,
            "until": self.until,
        }


_WHERE = """
where (%(topic)s::text is null or topic like %(topic)s)
    and (%(reason)s::text is null or reason ilike %(reason)s)
    and (%(field)s::text is null or field like %(field)s)
    and (%(since)s::timestamptz is null or received_at >= %(since)s)
    and (%(until)s::timestamptz is null or received_at < %(until)s)
"""


def newest(connection: Connection, limit: int, wanted: Filter | None = None) -> list[DeadLetter]:
    """The newest letters of those wanted, newest first."""
    given = (wanted or Filter()).given() | {"limit": limit}
    query = f"{_COLUMNS} {_WHERE} order by id desc limit %(limit)s"
    return [DeadLetter(*row) for row in connection.execute(query.encode(), given).fetchall()]  # type: ignore[arg-type]


def get(connection: Connection, id_: int) -> DeadLetter:
    """One letter; ConfigError if there is none of this number."""
    row = connection.execute(f"{_COLUMNS} where id = %s".encode(), [id_]).fetchone()
    if row is None:
        raise ConfigError(f"there is no dead letter {id_}: see `citybrain ingest deadletters list`")
    return DeadLetter(*row)  # type: ignore[arg-type]


def ids(connection: Connection, wanted: Filter | None = None) -> list[int]:
    """The numbers of the letters wanted, oldest first."""
    query = f"select id from dead_letter {_WHERE} order by id"  # noqa: S608  (_WHERE is a constant)
    rows = connection.execute(query.encode(), (wanted or Filter()).given()).fetchall()
    return [int(str(row[0])) for row in rows]


def drop(connection: Connection, id_: int) -> None:
    """Forget a letter; ConfigError if there is none of this number."""
    get(connection, id_)
    connection.execute("delete from dead_letter where id = %s", [id_])


def retry(connection: Connection, store: Store, id_: int, window: Window) -> str:
    """Store a letter after all, exactly once, and forget it; "" if done, else why it is still refused."""
    letter = get(connection, id_)
    verdict = admit(Arrival(letter.topic, letter.payload), window, datetime.now(UTC))
    if isinstance(verdict, Refused):
        return f"{verdict.field}: {verdict.reason}" if verdict.field else verdict.reason
    try:
        with connection.transaction():
            connection.execute("delete from dead_letter where id = %s", [id_])
            if isinstance(verdict, Admitted):
                store.revive(verdict, is_settled=letter.is_settled)
            elif isinstance(verdict, Status):
                store.commit(Batch(statuses=[verdict.message]))
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        return error.diag.message_primary or str(error).strip()
    return ""


def _pattern(glob: str | None) -> str | None:
    return None if glob is None else _literal(glob).replace("*", "%")


def _literal(text: str) -> str:
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text
