"""Keeps a set of processes running: started in order, restarted with backoff, stopped in reverse order."""

import threading
import time
from collections.abc import Callable, Sequence

from citybrain.errors import Unavailable
from citybrain.up.child import Child, Spec

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 60.0
"""A process that ran this long starts again without delay the next time."""
POLL_S = 0.1


def next_delay_s(last_delay_s: float, ran_s: float) -> float:
    """Seconds to wait before the next start of a process that ran `ran_s` seconds."""
    if ran_s >= STEADY_S:
        return FIRST_DELAY_S
    return min(LONGEST_DELAY_S, max(FIRST_DELAY_S, last_delay_s * 2))


class Supervisor:
    """Runs children until `stop`. `say` receives what a person should read; `sink` every line of output."""

    def __init__(self, say: Callable[[str], None], sink: Callable[[str, str], None]) -> None:
        self.children: list[Child] = []
        self._say = say
        self._sink = sink
        self._stopping = threading.Event()
        self._delay_s: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._awaited: list[Child] = []
        self._held: list[tuple[Spec, Callable[[], bool]]] = []

    def launch(self, specs: Sequence[Spec]) -> None:
        """Start processes together and return when all are ready.

        Raises:
            Unavailable: one ended, or was not ready in its time; the text has its last line of output.
        """
        fresh = [Child(spec, self._sink) for spec in specs]
        self.children += fresh
        for child in fresh:
            child.start()
        waiting = list(fresh)
        while waiting and not self._stopping.is_set():
            for child in list(waiting):
                if _ready(child):
                    waiting.remove(child)
                    self._greet(child)
                elif not child.running:
                    time.sleep(2 * POLL_S)  # its last words are still on the way
                    raise Unavailable(f"{child.spec.name} could not start: {child.last_line or 'no output'}")
                elif time.monotonic() - child.started_at > child.spec.patience_s:
                    raise Unavailable(
                        f"{child.spec.name} was not ready after {child.spec.patience_s:.0f} s: "
                        f"{child.last_line or 'no output'}"
                    )
            time.sleep(POLL_S)

    def introduce(self, specs: Sequence[Spec], after: Callable[[], bool] | None = None) -> None:
        """Start processes that nobody waits for, once `after` holds; `watch` tells when they are ready."""
        for spec in specs:
            if after is None:
                self._begin(spec)
            else:
                self._held.append((spec, after))

    def watch(self, tick: Callable[[], None]) -> None:
        """Restart what dies, until `stop` is called from another thread or a signal handler."""
        while not self._stopping.is_set():
            for held in [held for held in self._held if held[1]()]:
                self._held.remove(held)
                self._begin(held[0])
            for child in self.children:
                self._tend(child)
            for child in [child for child in self._awaited if _ready(child)]:
                self._awaited.remove(child)
                self._greet(child)
            tick()
            self._stopping.wait(5 * POLL_S)

    def stop(self) -> None:
        """Make `watch` and `launch` return."""
        self._stopping.set()

    def shut_down(self) -> None:
        """Stop all children wave by wave, those of one wave together."""
        for wave in sorted({child.spec.wave for child in self.children}, reverse=True):
            leaving = [child for child in self.children if child.spec.wave == wave]
            for child in leaving:
                child.ask_to_stop()
            for child in leaving:
                child.await_stop()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    @property
    def settled(self) -> bool:
        """Whether everything that was introduced is ready."""
        return not self._held and not self._awaited

    def _begin(self, spec: Spec) -> None:
        child = Child(spec, self._sink)
        self.children.append(child)
        self._awaited.append(child)
        child.start()

    def _greet(self, child: Child) -> None:
        took = time.monotonic() - child.started_at
        self._say(f"  ready  {child.spec.name:<14} {child.spec.describe:<56} {took:5.1f} s")

    def _tend(self, child: Child) -> None:
        name = child.spec.name
        now = time.monotonic()
        if child.running:
            return
        if name not in self._due:
            child.sweep()
            delay_s = next_delay_s(self._delay_s.get(name, 0.0), now - child.started_at)
            self._delay_s[name] = delay_s
            self._due[name] = now + delay_s
            self._say(
                f"  {name} {_ending(child.exit_code)}; it starts again in {delay_s:g} s. {_words(child)}"
            )
        elif now >= self._due[name]:
            del self._due[name]
            child.restarts += 1
            child.start()
            if child not in self._awaited:
                self._awaited.append(child)


def _ready(child: Child) -> bool:
    try:
        return child.running and child.spec.ready()
    except Exception:
        return False  # a server that is not up yet may fail in any way; patience_s bounds it


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by signal {-code}"
    return f"ended with exit code {code}"


def _words(child: Child) -> str:
    return f"Its last words: {child.last_line[:300]}" if child.last_line and child.exit_code != -9 else ""
