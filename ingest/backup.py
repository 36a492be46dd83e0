"""Copies of the whole database by PostgreSQL's own tools, while everything runs."""

import os
import shutil
import subprocess
from pathlib import Path

import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from citybrain.errors import ConfigError, Unavailable
from ingest.database import Connection, connect, one, place

log = structlog.get_logger()


def backup(dsn: str, file: Path) -> int:
    """Write everything of one moment to `file` (pg_dump's custom format); returns its size in bytes.

    Raises:
        ConfigError: the file is there already, or pg_dump is missing or older than the server.
        Unavailable: the server ended it, or the disk is full; nothing of the file stays.
    """
    if file.exists():
        raise ConfigError(f"{file} is there already: name a new file, nothing is written over")
    with connect(dsn, name="citybrain-backup") as connection:
        tool = _tool("pg_dump", connection)
    unfinished = file.with_name(f"{file.name}.part")
    try:
        _run([tool, "--format=custom", "--no-owner", f"--file={unfinished}"], dsn)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def restore(dsn: str, file: Path) -> None:
    """Fill the empty database of `dsn` from `file`, all or nothing.

    Raises:
        ConfigError: there is no such file, or the database is not empty, or pg_restore is missing.
        Unavailable: the server ended it; the database is as it was.
    """
    if not file.is_file():
        raise ConfigError(f"{file} is no file: name one that `citybrain db backup` wrote")
    with connect(dsn, name="citybrain-restore") as connection:
        tool = _tool("pg_restore", connection)
        _check_empty(connection, dsn)
        timescale = "TABLE DATA _timescaledb_catalog" in _contents(tool, file)
        if timescale:
            # In this order by TimescaleDB's documentation of pg_dump and pg_restore.
            connection.execute("create extension if not exists timescaledb")
            connection.execute("select timescaledb_pre_restore()")
        try:
            words = ["--no-owner", "--exit-on-error", str(file)]
            # The extension restores its own tables by triggers that need each row committed.
            _run([tool, *([] if timescale else ["--single-transaction"]), *words], dsn, database_option=True)
        finally:
            if timescale:
                connection.execute("select timescaledb_post_restore()")


def _check_empty(connection: Connection, dsn: str) -> None:
    if one(connection, "select to_regclass('schema_migration') is not null"):
        raise ConfigError(
            f"the database {place(dsn)} has a schema already: make an empty one (`createdb`) and set "
            "database.dsn to it"
        )


def _contents(tool: str, file: Path) -> str:
    done = subprocess.run([tool, "--list", str(file)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConfigError(f"{file} is no backup: {done.stderr.strip()[-300:]}")
    return done.stdout


def _tool(name: str, connection: Connection) -> str:
    """A tool that is at least as new as the server: the machine's own, else that of the wheel."""
    major = connection.info.server_version // 10_000
    found = [path for path in (shutil.which(name), _of_wheel(name)) if path]
    for path in found:
        if _major(path) >= major:
            return path
    there = ", ".join(f"{path} is {_major(path)}" for path in found) or "there is none"
    raise ConfigError(f"{name} {major} or newer is needed ({there}): install postgresql-client-{major}")


def _of_wheel(name: str) -> str:
    from citybrain.up.postgres import wheel_binaries

    try:
        path = wheel_binaries() / name
    except ConfigError:
        return ""
    return str(path) if path.exists() else ""


def _major(path: str) -> int:
    text = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    digits = text.rpartition(") ")[2].split(".")[0].strip() or text.split()[-1].split(".")[0]
    return int(digits) if digits.isdigit() else 0


def _run(words: list[str], dsn: str, *, database_option: bool = False) -> None:
    # A password on a command line could be read by everybody on the machine.
    parts = conninfo_to_dict(dsn)
    password = str(parts.pop("password", "") or "")
    shown = make_conninfo(**{name: str(value) for name, value in parts.items() if value is not None})
    target = [f"--dbname={shown}"] if database_option else [shown]
    done = subprocess.run(
        [*words[:1], *target, *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ({"PGPASSWORD": password} if password else {}),
    )
    if done.returncode:
        raise Unavailable(f"{Path(words[0]).name} failed: {done.stderr.strip()[-600:]}")
