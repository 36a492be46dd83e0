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


def newest(connection: Connection, limit: int) -> list[DeadLetter]:
    """The newest letters, newest first."""
    rows = connection.execute(f"{_COLUMNS} order by id desc limit %s".encode(), [limit]).fetchall()
    return [DeadLetter(*row) for row in rows]  # type: ignore[arg-type]


def get(connection: Connection, id_: int) -> DeadLetter:
    """One letter; ConfigError if there is none of this number."""
    row = connection.execute(f"{_COLUMNS} where id = %s".encode(), [id_]).fetchone()
    if row is None:
        raise ConfigError(f"there is no dead letter {id_}: see `citybrain ingest deadletters list`")
    return DeadLetter(*row)  # type: ignore[arg-type]


def every_id(connection: Connection) -> list[int]:
    """The numbers of all letters, oldest first."""
    return [
        int(str(row[0])) for row in connection.execute("select id from dead_letter order by id").fetchall()
    ]


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
