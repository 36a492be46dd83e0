"""The city of a chaos run: PostgreSQL, broker, ingest with its workers, agents, and proxies between them."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.agent import QUIET
from bench.chaos.processes import Keeper, Process, python
from bench.chaos.proxy import Proxy
from bench.chaos.record import Record
from bench.ready import await_database
from citybrain.up import broker, postgres
from citybrain.up.ports import free_port, wait_until_answers
from ingest.migrate import migrate

HOST = "127.0.0.1"
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is."""

    devices: int
    processes: int
    rate: float
    """Messages a second of each device."""


@dataclass(frozen=True, slots=True)
class City:
    """What can be hurt."""

    dsn: str
    """Past the proxy: for whoever judges."""
    postgres: Process
    broker: Process
    ingest: Process
    agents: list[Process]
    devices_of: dict[str, set[str]]
    """By the agent process's name."""
    proxies: dict[str, Proxy]
    """`edge` and `ingest` before the broker, `database` before PostgreSQL."""
    keeper: Keeper
    quiet: Path
    """Made, this file stops all generation."""


@contextmanager
def running(folder: Path, size: Size, record: Record, chance: random.Random) -> Iterator[City]:
    """A city that works; all of it gone afterwards. Logs stay in `folder`/logs."""
    (folder / "logs").mkdir(parents=True)
    broker_port, database_port = free_port(), free_port()
    found = postgres.install(folder / "pg")
    proxies = {
        "edge": Proxy(broker_port, chance),
        "ingest": Proxy(broker_port, chance),
        "database": Proxy(database_port, chance),
    }
    dsn = f"postgresql://{postgres.OWNER}@{HOST}:{database_port}/postgres"
    server = Process(
        "postgres", postgres.server_command(found, HOST, database_port), folder / "logs" / "postgres.log",
        found.popen_options(),
    )  # fmt: skip
    mqtt = Process(
        "broker",
        broker.broker_command(HOST, broker_port, folder / "broker"),
        folder / "logs" / "broker.log",
        {},
    )
    through = f"postgresql://{postgres.OWNER}@{HOST}:{proxies['database'].port}/postgres"
    ingest = Process(
        "ingest", python("citybrain", "run", "ingest"), folder / "logs" / "ingest.log",
        {"env": _environ(folder, proxies["ingest"].port) | {
            "CITYBRAIN__DATABASE__DSN": through, "CITYBRAIN__INGEST__WORKERS": str(WORKERS),
        }},
    )  # fmt: skip
    agents, devices_of = _agents(folder, size, record, proxies["edge"].port)
    keeper = Keeper([server, mqtt, ingest, *agents])
    try:
        for process in (server, mqtt):
            process.start()
        assert wait_until_answers(HOST, broker_port, 60), "the broker did not start"
        await_database(dsn)
        migrate(dsn)
        for process in (ingest, *agents):
            process.start()
        keeper.start()
        yield City(dsn, server, mqtt, ingest, agents, devices_of, proxies, keeper, folder / "data" / QUIET)
    finally:
        keeper.stop()
        for proxy in proxies.values():
            proxy.stop()
        postgres.remove(found)


def _agents(folder: Path, size: Size, record: Record, port: int) -> tuple[list[Process], dict[str, set[str]]]:
    agents, devices_of = [], {}
    each = size.devices // size.processes
    for number in range(size.processes):
        name = f"agent-{number}"
        words = python("bench.chaos.agent", name, str(number * each), str(each), str(size.rate))
        agents.append(
            Process(
                name, words, folder / "logs" / f"{name}.log", {"env": _environ(folder, port)},
                lambda line, name=name: record.hear(name, line),  # type: ignore[misc]
            )
        )  # fmt: skip
        devices_of[name] = {f"sensor/c{n}" for n in range(number * each, (number + 1) * each)}
    return agents, devices_of


def _environ(folder: Path, broker_port: int) -> dict[str, str]:
    return os.environ | {
        "CITYBRAIN__BROKER__URL": f"mqtt://{HOST}:{broker_port}",
        "CITYBRAIN_DATA_DIR": str(folder / "data"),
        "CITYBRAIN_LOG": "warning",
    }


def await_settled(city: City, record: Record, timeout_s: float) -> bool:
    """Let nothing more be generated, and wait until every spool is empty; False where that takes longer."""
    city.quiet.touch()
    names = [agent.name for agent in city.agents]
    deadline = time.monotonic() + timeout_s
    while not record.is_settled(names):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
