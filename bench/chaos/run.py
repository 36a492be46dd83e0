"""One chaos run from start to verdict."""

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.chaos import city as cities
from bench.chaos.faults import Done, Inflicter, Planned, plan
from bench.chaos.record import Key, Record, Verdict
from bench.ready import await_database
from ingest.database import connect

STEADY_S = 180.0
"""That the first messages may take."""
SETTLE_S = 300.0


@dataclass(frozen=True, slots=True)
class Kind:
    """The figures of one class of fault."""

    kind: str
    number: int
    lost: int
    duplicated: int
    recovered_p50_s: float | None
    """From the fault until something captured after it was acknowledged; None: not known."""
    recovered_max_s: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a run showed."""

    seed: int
    seconds: float
    devices: int
    settled_s: float | None
    """From the end of the faults until every spool was empty; None: never."""
    kills: int
    kinds: list[Kind]
    verdict: Verdict

    @property
    def is_sound(self) -> bool:
        return self.verdict.is_sound and self.settled_s is not None


def run(
    *,
    seconds: float,
    devices: int,
    processes: int,
    kills: int,
    seed: int,
    rate: float = 2.0,
    logs: Path | None = None,
    say: Callable[[str], None] = print,
) -> Report:
    """Hurt a city for `seconds`, let it settle, judge; `logs`: a new folder to keep its logs in."""
    chance = random.Random(seed)
    faults = plan(seconds, kills, chance)
    record = Record()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (logs or Path(temporary)).absolute()
        size = cities.Size(devices, processes, rate)
        with cities.running(folder, size, record, chance) as city:
            done = _hurt(Inflicter(city, record, chance), record, faults, say)
            began = time.monotonic()
            is_settled = cities.await_settled(city, record, SETTLE_S)
            settled_s = time.monotonic() - began if is_settled else None
            await_database(city.dsn)
            with connect(city.dsn) as connection:
                verdict = record.compare(connection)
    killed = sum(deed.kind.startswith("kill") for deed in done)
    return Report(seed, seconds, devices, settled_s, killed, _kinds(done, record, verdict), verdict)


def _hurt(
    inflicter: Inflicter, record: Record, faults: list[Planned], say: Callable[[str], None]
) -> list[Done]:
    began = time.time()
    while record.recovered_s(began, set()) is None:
        assert time.time() < began + STEADY_S, "nothing was ever acknowledged"
        time.sleep(0.2)
    say(f"the city works after {time.time() - began:.0f} s; {len(faults)} faults follow")
    start, done = time.monotonic(), []
    for fault in faults:
        time.sleep(max(0.0, start + fault.after_s - time.monotonic()))
        done.append(inflicter.inflict(fault))
        say(f"{time.monotonic() - start:6.1f} s  {done[-1].kind:18} waiting {record.waiting}")
    inflicter.relent()
    return done


def _kinds(done: list[Done], record: Record, verdict: Verdict) -> list[Kind]:
    """Recovery and faults by class; a lost message is laid to the last fault before its capture."""
    times: dict[str, list[float | None]] = defaultdict(list)
    for deed in done:
        times[deed.kind].append(record.recovered_s(deed.at_s, set(deed.devices)))
    lost = [_cause(key, done, record) for key in verdict.lost]
    duplicated = [_cause(key, done, record) for key in verdict.duplicated]
    found = []
    for kind, values in sorted(times.items()):
        # After the last faults there may be nothing captured any more that could tell.
        known = [value for value in values if value is not None]
        p50_s, max_s = (float(np.median(known)), max(known)) if known else (None, None)
        found.append(Kind(kind, len(values), lost.count(kind), duplicated.count(kind), p50_s, max_s))
    return found


def _cause(key: Key, done: list[Done], record: Record) -> str:
    captured_s = record.captured_at_s(key)
    before = [deed for deed in done if deed.at_s <= captured_s]
    return before[-1].kind if before else ""
