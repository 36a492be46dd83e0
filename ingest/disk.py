"""How full the database's disk is, and what is left in the spools so that it does not run over.

A server that cannot write its log panics, and then nothing is taken from anybody. So the classes of
which there is most, and of which one message matters least, wait at the edge first: they are not
acknowledged, the spools keep them, and they come when there is room.
"""

import os
from dataclasses import dataclass

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

from ingest.database import Connection, one

log = structlog.get_logger()

LOOK_S = 10.0
ORDER = (
    (0.90, ("measurement",)),
    (0.93, ("state", "observation")),
    (0.96, ("answer", "command", "config", "part")),
    (0.98, ("event",)),
)
"""From this share of the disk on these last levels of topics wait as well; status and gaps never do."""
NEAR_SHARE = 0.85
"""From here on it is told, though nothing waits yet."""
EASE = 0.01
"""So far below its threshold a class is taken again: it must not come and go with every file."""
LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Fill:
    """`share` of what there is; None where it cannot be known."""

    share: float | None
    why: str
    """What it is the share of."""


def measure(connection: Connection, dsn: str, max_bytes: int) -> Fill:
    """The fuller one of the server's disk, where it is this machine's, and the bytes the settings allow."""
    found = [Fill(None, "")]
    if max_bytes:
        size = int(str(one(connection, "select pg_database_size(current_database())")))
        found.append(Fill(size / max_bytes, f"database.max_bytes = {max_bytes}"))
    if folder := _data_folder(connection, dsn):
        try:
            disk = os.statvfs(folder)
        except OSError:
            pass
        else:
            # As `df` counts: what only root may use is not there.
            usable = disk.f_blocks - disk.f_bfree + disk.f_bavail
            found.append(Fill(1.0 - disk.f_bavail / max(1, usable), f"the disk of {folder}"))
    return max(found, key=lambda fill: fill.share or 0.0)


def waiting_kinds(share: float | None, before: frozenset[str]) -> frozenset[str]:
    """Which last levels wait at this share; `before` waited until now."""
    if share is None:
        return frozenset()
    return frozenset(
        kind
        for threshold, kinds in ORDER
        for kind in kinds
        if share >= threshold - (EASE if kind in before else 0.0)
    )


class Disk:
    """What one worker knows of it."""

    def __init__(self, dsn: str, max_bytes: int) -> None:
        self._dsn = dsn
        self._max_bytes = max_bytes
        self._look_at = 0.0
        self.fill = Fill(None, "")
        self.waiting: frozenset[str] = frozenset()

    @property
    def trouble(self) -> str:
        """For people; empty while there is room."""
        share = self.fill.share
        if share is None or share < NEAR_SHARE:
            return ""
        waits = f": {', '.join(sorted(self.waiting))} wait in the spools" if self.waiting else ""
        return f"{share:.0%} of {self.fill.why} is used{waits}; make room or shorten ingest.retain_days"

    def look(self, connection: Connection, now_s: float) -> None:
        """Measure again where it is time to; raises psycopg errors of a lost connection."""
        if now_s < self._look_at:
            return
        self._look_at = now_s + LOOK_S
        self.fill = measure(connection, self._dsn, self._max_bytes)
        waiting = waiting_kinds(self.fill.share, self.waiting)
        if waiting != self.waiting:
            tell = log.error if waiting else log.warning
            tell(
                "disk_filling" if waiting else "disk_has_room", share=self.fill.share, waiting=sorted(waiting)
            )
        self.waiting = waiting

    def must_wait(self, topic: str) -> bool:
        """Whether a message of this topic stays in its spool for now."""
        if not self.waiting:
            return False
        what = topic.rpartition("/")[2]
        return ("part" if what.startswith("part") else what) in self.waiting


def _data_folder(connection: Connection, dsn: str) -> str:
    """Where the server's data lies, if that is a folder of this machine and is told; else empty."""
    host = str(conninfo_to_dict(dsn).get("host") or "localhost")
    if host not in LOCAL and not host.startswith("/"):
        return ""
    try:
        folder = str(one(connection, "select current_setting('data_directory')"))
    except psycopg.errors.InsufficientPrivilege:
        return ""
    return folder if os.path.exists(folder) else ""  # noqa: PTH110  (a path of the server's, not ours)
