"""SIGTERM and Ctrl-C, heard without stopping in the middle of something.

A signal handler runs in the middle of anything, also of another handler: there `threading.Event.set` can
wait for itself for ever. `SimpleQueue.put` is made to be interrupted; so a thread in between does what is
to be done.
"""

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue


def call_on_signals(action: Callable[[], None]) -> None:
    """Call `action`, in a thread of its own, at the first SIGTERM or SIGINT; for the main thread."""
    heard: SimpleQueue[int] = SimpleQueue()

    def wait() -> None:
        heard.get()
        action()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: heard.put(number))


def stop_on_signals() -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets; for the main thread."""
    stop = threading.Event()
    call_on_signals(stop.set)
    return stop
