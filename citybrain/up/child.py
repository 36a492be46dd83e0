"""One supervised process: how it is started, known to be ready, and ended."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from citybrain.up import tether

GRACE_S = 8.0


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run. `ready` is asked about every 0.1 s after the start; it may say no by raising."""

    name: str
    command: list[str]
    ready: Callable[[], bool]
    environ: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    patience_s: float = 60.0
    """How long it may take until it is ready."""
    describe: str = ""
    wave: int = 2
    """Processes of the highest wave are stopped first: 2 who sends, 1 who stores, 0 servers."""


class Child:
    """A process started from a Spec, in a session of its own so that Ctrl-C reaches the supervisor only."""

    def __init__(self, spec: Spec, sink: Callable[[str, str], None]) -> None:
        self.spec = spec
        self.restarts = 0
        self.started_at = 0.0
        self.last_line = ""
        self._sink = sink
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the process; its output goes line by line to the sink."""
        options = dict(self.spec.options)
        base = options.pop("env", None)
        uid, gid = options.pop("user", None), options.pop("group", None)
        options.pop("extra_groups", None)
        environ = dict(os.environ if base is None else base) | dict(self.spec.environ)
        self._process = subprocess.Popen(
            tether.command(self.spec.command, None if uid is None else (uid, gid)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environ,
            **options,
        )
        self.started_at = time.monotonic()
        assert self._process.stdout is not None
        threading.Thread(target=self._pump, args=(self._process.stdout,), daemon=True).start()

    def ask_to_stop(self) -> None:
        """Send its stop signal and return at once."""
        if self._process is not None and self.running:
            self._process.send_signal(self.spec.stop_signal)

    def await_stop(self) -> None:
        """Wait until it has ended, kill it if that takes too long, and end what is left of its session."""
        if self._process is None:
            return
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._sink("up", f"{self.spec.name} did not end within {GRACE_S:.0f} s and is killed")
        self.sweep()

    def sweep(self) -> None:
        """Kill what the process left behind in its session (PostgreSQL and Ray have children)."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _pump(self, stream: IO[bytes]) -> None:
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip()
            if line:
                self.last_line = line
                self._sink(self.spec.name, line)
