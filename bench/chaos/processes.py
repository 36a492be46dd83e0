"""The processes of a chaos run: started, killed with -9, started again, each with a group of its own."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

AGAIN_S = 0.3


class Process:
    """One program that is kept running; `kill` leaves its restart to `Keeper`."""

    def __init__(
        self,
        name: str,
        command: list[str],
        log: Path,
        options: Mapping[str, Any],
        hear: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.starts = 0
        self._command = command
        self._log = log
        self._options = options
        self._hear = hear
        self._process: subprocess.Popen[bytes] | None = None
        self._dead_since = 0.0

    def start(self) -> None:
        self.starts += 1
        # By a pipe: a full disk of the program's must not take its log away.
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE if self._hear else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **self._options,
        )
        threading.Thread(target=self._write_log, args=(self._process,), daemon=True).start()
        if self._hear:
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def keep(self) -> None:
        """Start it again a moment after it died."""
        if self._process is None or self._process.poll() is None:
            self._dead_since = 0.0
        elif not self._dead_since:
            self._dead_since = time.monotonic()
        elif time.monotonic() > self._dead_since + AGAIN_S:
            self._dead_since = 0.0
            self.start()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> bool:
        """-9 to the whole group; False where it is dead already."""
        if self._process is None or not self.running:
            return False
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return True

    def kill_child(self, choose: Callable[[list[psutil.Process]], psutil.Process]) -> bool:
        """-9 to one process that it started; False where there is none."""
        children = [child for child in self._family() if child.pid != self._pid]
        # A multiprocessing parent also has a resource tracker, which is nobody's worker.
        children = [child for child in children if "resource_tracker" not in " ".join(_words(child))]
        if not children:
            return False
        choose(children).send_signal(signal.SIGKILL)
        return True

    def limit_files(self, max_bytes: int | None) -> None:
        """No file of it may grow beyond `max_bytes`: to the program its disk is full; None: there is room."""
        limit = resource.RLIM_INFINITY if max_bytes is None else max_bytes
        for one in self._family():
            try:
                resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            except (ProcessLookupError, PermissionError):
                continue

    def end(self) -> None:
        if self._process is not None and self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    @property
    def _pid(self) -> int:
        return self._process.pid if self._process else -1

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self._pid)
            return [process, *process.children(recursive=True)]
        except (psutil.Error, ValueError):
            return []

    def _write_log(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stderr is not None
        with self._log.open("ab") as log:
            for line in process.stderr:
                log.write(line)
                log.flush()

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        assert self._hear is not None
        for line in process.stdout:
            if line.endswith(b"\n"):
                self._hear(line.decode().rstrip())


class Keeper:
    """Starts again whatever died, until it is stopped."""

    def __init__(self, processes: list[Process]) -> None:
        self.processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let everything end, in the reverse order of its start."""
        self._stop.set()
        self._thread.join()
        for process in reversed(self.processes):
            process.end()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            for process in self.processes:
                process.keep()


def python(*words: str) -> list[str]:
    return [sys.executable, "-m", *words]


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
