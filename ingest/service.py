"""The service `ingest`: one worker in this process, further ones in processes of their own."""

import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess

import structlog

from citybrain import log as logs
from citybrain.config import Settings
from citybrain.stopping import call_on_signals
from ingest.housekeeper import Housekeeper
from ingest.worker import Worker

log = structlog.get_logger()

RESTART_S = 1.0


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; leaves nothing half stored.

    Raises:
        ConfigError: the database is not the one that the settings promise, or has no schema.
    """
    worker = Worker(settings)
    housekeeper = Housekeeper(settings)
    helpers = _Helpers(settings)
    _stop_on_signals(worker)
    housekeeper.start()
    helpers.start()
    try:
        worker.run()
    finally:
        helpers.stop()
        housekeeper.stop()


def help_out(settings: Settings, index: int) -> None:
    """Further worker `index`; ends with its parent."""
    logs.configure(f"ingest-{index + 1}")
    worker = Worker(settings, index)
    _stop_on_signals(worker)
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            threading.Event().wait(1.0)
        worker.stop()

    threading.Thread(target=follow, name="follow-parent", daemon=True).start()
    worker.run()


class _Helpers:
    """The processes of the further workers, started again when they die."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[int, BaseProcess] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="helpers", daemon=True)

    def start(self) -> None:
        if self._settings.ingest.workers > 1:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join(15)

    def _keep(self) -> None:
        while not self._stop.is_set():
            for index in range(1, self._settings.ingest.workers):
                process = self._processes.get(index)
                if process is not None and process.is_alive():
                    continue
                if process is not None:
                    log.warning("worker_died", worker=index + 1, exit_code=process.exitcode)
                self._processes[index] = self._context.Process(
                    target=help_out, args=(self._settings, index), name=f"ingest-{index + 1}"
                )
                self._processes[index].start()
            self._stop.wait(RESTART_S)


def _stop_on_signals(worker: Worker) -> None:
    if threading.current_thread() is threading.main_thread():
        call_on_signals(worker.stop)
