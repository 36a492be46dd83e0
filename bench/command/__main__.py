"""What the command centre costs.

python -m bench.command queries [--lanes 500] [--days 30] [--rounds 100] [--dsn DSN]
python -m bench.command streams [--objects 10000] [--operators 100] [--seconds 20]
python -m bench.command map [--objects 10000] [--updates 40]
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bench.command import browser, queries, record, streams
from bench.ingest import servers
from bench.machine import machine
from bench.results import write
from citybrain import config

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=["queries", "streams", "map"])
    parser.add_argument("--lanes", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--operators", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--dsn", help="a database that was filled before")
    asked = parser.parse_args()
    about = machine("psycopg", "uvicorn")
    print(about)
    parts = {"queries": _queries, "streams": _streams, "map": _map}
    found = parts[asked.part](asked)
    write(RESULTS / f"command-{asked.part}.json", {"machine": about, "figures": found})


def _queries(asked: argparse.Namespace) -> list[dict[str, Any]]:
    if asked.dsn:
        return _told(asked.dsn, asked)
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as settings:
        with psycopg.connect(settings.database.dsn) as connection:
            record.fill(connection, asked.lanes, asked.days)
        return _told(settings.database.dsn, asked)


def _told(dsn: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    found = []
    for row in queries.measure(dsn, asked.lanes, asked.days, asked.rounds):
        mark = "" if row["within_goal"] else "  over the goal"
        size = f"{row['bytes'] / 1000:8.0f} kB"
        print(f"{row['question']:<40}{row['p50_ms']:8.1f} {row['p99_ms']:8.1f} ms{size}{mark}", flush=True)
        found.append(row)
    return found


def _streams(asked: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as settings:
        own = msgspec.structs.replace(settings, site=config.Site(name="bench"))
        found = asyncio.run(streams.measure(own, asked.objects, asked.operators, asked.seconds))
    print(found)
    return found


def _map(asked: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as settings:
        own = msgspec.structs.replace(settings, site=config.Site(name="bench"))
        found = browser.measure(own, asked.objects, asked.updates)
    print(found)
    return found


if __name__ == "__main__":
    main()
