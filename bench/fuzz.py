"""Broken and malicious messages through broker, ingest and database: no crash, each refused with its reason.

python -m bench.fuzz [--inputs 100000] [--seed 1]
"""

import argparse
import os
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bench.ingest import RESULTS, servers
from bench.results import write
from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.config import Settings
from citybrain.up.broker import broker_name
from ingest.gate import STORED_KINDS
from ingest.worker import Worker
from tests.fixtures.fuzz import Expected, Fuzzer

AHEAD = 1_000
"""Messages on their way at once, below what ingest's queue holds."""
PATIENCE_S = 120


def fuzz(settings: Settings, inputs: int, seed: int) -> dict[str, Any]:
    """Send so many inputs to a worker of our own and account for each; AssertionError if one is missing."""
    settings = msgspec.structs.replace(
        settings,
        ingest=msgspec.structs.replace(
            settings.ingest, device_rate_per_s=0, quarantine_refusals=0, quarantine_replays=0
        ),
    )
    worker = Worker(settings)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            worker.run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    began = time.monotonic()
    try:
        with Bus(settings.broker, f"{settings.site.name}-fuzz") as bus:
            probes = _wait_for(settings, worker, bus)
            expected = _send(worker, bus, Fuzzer(seed, settings.site.name), inputs, probes)
            _await(worker, lambda: _done(worker) >= inputs + probes(), "the rest")
    except AssertionError as error:
        raise (AssertionError(f"the worker fell: {failures[0]!r}") if failures else error) from error
    finally:
        worker.stop()
        thread.join(60)
    took = time.monotonic() - began
    assert not thread.is_alive(), "the worker does not end"
    assert not failures, f"the worker fell: {failures[0]!r}"
    return _account(settings, worker, expected, inputs) | {"inputs_per_s": round(inputs / took, 1)}


def _wait_for(settings: Settings, worker: Worker, bus: Bus) -> Any:
    """Until the worker hears its last subscription: empty payloads there count as statuses."""
    probe = topics.build(settings.site.name, "lanes", "probe", STORED_KINDS[-1])
    deadline = time.monotonic() + PATIENCE_S
    sent = 0
    while worker.intake.balance().statuses == 0:
        assert time.monotonic() < deadline, "the worker hears nothing"
        bus.publish(probe, b"")
        sent += 1
        time.sleep(0.2)
    # The first may have come before the subscription did.
    time.sleep(1.0)
    heard = worker.intake.balance().received
    return lambda: heard


def _send(worker: Worker, bus: Bus, fuzzer: Fuzzer, inputs: int, probes: Any) -> Counter[Expected]:
    expected: Counter[Expected] = Counter()
    for number, made in enumerate(fuzzer.inputs(inputs)):
        while not bus.publish(made.topic, made.payload):
            time.sleep(0.002)
        expected[made.expected] += 1
        if number % 200 == 0:
            _await(worker, lambda sent=number: _done(worker) >= sent + probes() - AHEAD, "room")
    return expected


def _done(worker: Worker) -> int:
    balance = worker.intake.balance()
    return balance.received - balance.queue - balance.in_hand


def _await(worker: Worker, condition: Any, what: str) -> None:
    """Until the condition holds; a worker that stands still has fallen."""
    deadline, seen = time.monotonic() + PATIENCE_S, -1
    while not condition():
        if _done(worker) > seen:
            deadline, seen = time.monotonic() + PATIENCE_S, _done(worker)
        assert time.monotonic() < deadline, f"waited in vain for {what}: {worker.intake.balance()}"
        time.sleep(0.02)


def _account(settings: Settings, worker: Worker, expected: Counter[Expected], inputs: int) -> dict[str, Any]:
    balance = worker.intake.balance()
    with psycopg.connect(settings.database.dsn) as connection:
        found = connection.execute("select reason, field from dead_letter").fetchall()
    reasons = Counter(str(reason).split("`")[0][:40] for reason, _ in found)
    assert balance.open == 0
    assert balance.shed == 0
    assert len(found) == balance.dead_lettered, "a dead letter is missing"
    assert all(reason for reason, _ in found), "a dead letter has no reason"
    lucky = balance.committed - expected[Expected.STORED]
    assert 0 <= lucky <= expected[Expected.ANY], "what is good is stored, what is bad is not"
    assert balance.dead_lettered >= expected[Expected.REFUSED], "what is bad is a dead letter"
    assert balance.duplicate >= expected[Expected.REPLAYED], "a replay is known"
    assert balance.committed + balance.duplicate + balance.dead_lettered == inputs
    return {
        "inputs": inputs, "stored": balance.committed, "replays_refused": balance.duplicate,
        "dead_letters": balance.dead_lettered, "valid_after_noise": lucky, "kinds_of_reason": len(reasons),
        "common_reasons": dict(reasons.most_common(12)),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    os.environ.setdefault("CITYBRAIN_LOG", "error")
    from citybrain import log

    log.configure("fuzz")
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as made:
        settings = msgspec.structs.replace(made, site=config.Site(name="fuzz"))
        result = {"broker": broker_name(), "seed": given.seed, **fuzz(settings, given.inputs, given.seed)}
    for name, value in result.items():
        print(f"{name:20} {value}")
    write(RESULTS / "fuzz.json", result)


if __name__ == "__main__":
    main()
