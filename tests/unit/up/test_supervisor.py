"""The supervisor: real processes that die, hang and recover."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import Unavailable
from citybrain.up import supervisor as supervision
from citybrain.up.child import Spec
from citybrain.up.supervisor import Supervisor, next_delay_s

ROOT = Path(__file__).parents[3]
SLEEPER = [sys.executable, "-c", "import time; print('at work', flush=True); time.sleep(60)"]


def quiet(*_: str) -> None:
    """Nobody reads."""


def until(holds: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


@given(st.lists(st.floats(0, 50), min_size=1, max_size=12))
def test_the_delay_grows_while_a_process_keeps_dying_and_is_bounded(runs_s: list[float]) -> None:
    delays = [0.0]
    for ran_s in runs_s:
        delays.append(next_delay_s(delays[-1], ran_s))
    assert delays[1:] == sorted(delays[1:])
    assert all(supervision.FIRST_DELAY_S <= delay <= supervision.LONGEST_DELAY_S for delay in delays[1:])
    assert next_delay_s(delays[-1], supervision.STEADY_S) == supervision.FIRST_DELAY_S


def test_a_killed_process_comes_back_and_the_other_is_left_alone() -> None:
    keeper = Supervisor(quiet, quiet)
    keeper.launch([Spec("one", SLEEPER, lambda: True), Spec("two", SLEEPER, lambda: True)])
    one, two = keeper.children
    first, other = one.pid, two.pid
    watcher = threading.Thread(target=keeper.watch, args=(lambda: None,))
    watcher.start()
    try:
        assert one._process is not None
        one._process.kill()
        assert until(lambda: one.running and one.pid != first)
        assert two.pid == other
        assert (one.restarts, two.restarts) == (1, 0)
    finally:
        keeper.stop()
        watcher.join(10)
        keeper.shut_down()
    assert not one.running
    assert not two.running


def test_a_process_that_cannot_start_is_told_with_its_last_words() -> None:
    broken = [sys.executable, "-c", "import sys; print('port 99 is taken'); sys.exit(2)"]
    keeper = Supervisor(quiet, quiet)
    with pytest.raises(Unavailable, match="one could not start: port 99 is taken"):
        keeper.launch([Spec("one", broken, lambda: False)])
    keeper.shut_down()


def test_a_process_that_never_gets_ready_is_told() -> None:
    keeper = Supervisor(quiet, quiet)
    with pytest.raises(Unavailable, match="was not ready after"):
        keeper.launch([Spec("one", SLEEPER, lambda: False, patience_s=0.3)])
    keeper.shut_down()
    assert not keeper.children[0].running


def test_children_of_a_killed_process_do_not_stay(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = (
        "import subprocess, sys, time, pathlib;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid)); time.sleep(60)"
    )
    keeper = Supervisor(quiet, quiet)
    keeper.launch([Spec("family", [sys.executable, "-c", parent], note.exists)])
    pid = int(note.read_text())
    keeper.shut_down()
    assert until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid))


def test_nobody_stays_when_the_supervisor_itself_is_killed() -> None:
    script = (
        "import sys; from citybrain.up.child import Spec; from citybrain.up.supervisor import Supervisor;"
        "keeper = Supervisor(lambda _: None, lambda *_: None);"
        f"keeper.launch([Spec('one', {SLEEPER!r}, lambda: True)]);"
        "print(keeper.children[0].pid, flush=True); keeper.watch(lambda: None)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    supervisor.kill()
    supervisor.communicate()
    assert until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2]
    except OSError:
        return "Z"


def test_who_sends_is_stopped_before_who_stores_and_servers_last() -> None:
    farewell = (
        "import signal, sys, time;"
        "signal.signal(15, lambda *_: (print('bye', time.monotonic(), flush=True), sys.exit()));"
    )
    speaker = [sys.executable, "-c", farewell + "print('here', flush=True); time.sleep(60)"]
    said: list[tuple[str, str]] = []
    keeper = Supervisor(quiet, lambda name, line: said.append((name, line)))
    waves = {"server": 0, "store": 1, "sender": 2}
    keeper.launch([Spec(name, speaker, lambda: True, wave=wave) for name, wave in waves.items()])
    assert until(lambda: len(said) == 3)
    keeper.shut_down()
    assert until(lambda: len(said) == 6)
    # Each process is heard by a thread of its own, so it is their clock that tells who went first.
    ended = {name: float(line.split()[1]) for name, line in said if line.startswith("bye")}
    assert sorted(ended, key=ended.__getitem__) == ["sender", "store", "server"]


def test_output_goes_to_the_sink_line_by_line() -> None:
    lines: list[tuple[str, str]] = []
    keeper = Supervisor(quiet, lambda name, line: lines.append((name, line)))
    keeper.launch([Spec("one", SLEEPER, lambda: bool(lines))])
    keeper.shut_down()
    assert lines[0] == ("one", "at work")
