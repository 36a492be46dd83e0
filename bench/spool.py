"""SQLite against a plain log with checksums, as the spool of a process: what each costs, and what each gives.

    python -m bench.spool [--letters 20000]

The same letters (1.2 kB, sixteen devices) in batches as the postman makes them, each durable on return; then
acknowledged in steps of a hundred; then opened again after an end without goodbye. The log is the least that
could work: length, CRC, letter, one fsync a batch, segments removed once all in them is acknowledged. Prints
letters a second, microseconds of CPU, bytes written; writes bench/results/spool.json.
"""

import json
import os
import platform
import sqlite3
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol
from zlib import crc32

import click

from bench.results import write
from edge.spool import Ack, Letter, Spool

RESULTS = Path(__file__).parent / "results" / "spool.json"
DEVICES = 16
BATCHES = (1, 16, 64)
HEAD = struct.Struct("<II")
SEGMENT_BYTES = 4_000_000


class Store(Protocol):
    def write(self, letters: Iterable[Letter] = (), acks: Iterable[Ack] = ()) -> None: ...

    def waiting(self, device: str) -> int: ...

    def close(self) -> None: ...


class Log:
    """Segments of length, CRC, letter; what is acknowledged is known by the numbers in memory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._open: dict[tuple[str, int, int], int] = {}
        self._alive: dict[int, int] = {}
        self._number = 0
        for path in sorted(folder.iterdir()):
            self._number = int(path.name)
            for letter in _letters(path.read_bytes()):
                self._note(letter)
        self._roll()

    def write(self, letters: Iterable[Letter] = (), acks: Iterable[Ack] = ()) -> None:
        for ack in acks:
            self._forget(ack)
        records = b""
        for letter in letters:
            body = json.dumps(letter[:6]).encode() + b"\0" + letter.payload
            records += HEAD.pack(len(body), crc32(body)) + body
            self._note(letter)
        if records:
            self._file.write(records)
            self._file.flush()
            os.fsync(self._file.fileno())
            if self._file.tell() > SEGMENT_BYTES:
                self._file.close()
                self._roll()

    def waiting(self, device: str) -> int:
        return sum(key[0] == device for key in self._open)

    def close(self) -> None:
        self._file.close()

    def _note(self, letter: Letter) -> None:
        self._open[letter.device, letter.boot, letter.seq] = self._number
        self._alive[self._number] = self._alive.get(self._number, 0) + 1

    def _forget(self, ack: Ack) -> None:
        seq = ack.seq
        while (segment := self._open.pop((ack.device, ack.boot, seq), None)) is not None:
            self._alive[segment] -= 1
            if not self._alive[segment] and segment != self._number:
                (self._folder / f"{segment:08}").unlink()
            seq -= 1

    def _roll(self) -> None:
        self._number += 1
        self._file = (self._folder / f"{self._number:08}").open("ab")


def _letters(data: bytes) -> Iterator[Letter]:
    at = 0
    while at + HEAD.size <= len(data):
        size, crc = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size : at + HEAD.size + size]
        if len(body) < size or crc32(body) != crc:
            return
        head, _, payload = body.partition(b"\0")
        device, boot, seq, topic, at_s, sent_s = json.loads(head)
        yield Letter(device, boot, seq, topic, at_s, sent_s, payload)
        at += HEAD.size + size


def letters_of(count: int) -> list[Letter]:
    """Sixteen devices in turn."""
    now_s = time.time()
    payload = os.urandom(1_200)
    return [
        Letter(f"lanes/{i % DEVICES}", 7, i // DEVICES + 1, "c/v1/lanes/a/measurement", now_s, now_s, payload)
        for i in range(count)
    ]


@click.command()
@click.option("--letters", "count", type=click.IntRange(1_000), default=20_000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="On the disk to measure.")
def main(count: int, folder: Path | None) -> None:
    """Measure both."""
    figures: dict[str, object] = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "letters": count,
    }
    print(figures)
    for batch in BATCHES:
        some = min(count, 200 * batch) if batch < 16 else count
        with tempfile.TemporaryDirectory(dir=folder) as place:
            path = Path(place)
            makes: dict[str, Callable[[], Store]] = {
                "sqlite": lambda path=path: Spool(path / "s.sqlite", 1_000_000_000, 1e9),  # type: ignore[misc]
                "log": lambda path=path: Log(path / "log"),  # type: ignore[misc]
            }
            for name, make in makes.items():
                figures[f"{name}, {batch} a batch"] = _measure(name, batch, make, letters_of(some))
    write(RESULTS, figures)


def _measure(name: str, batch: int, make: Callable[[], Store], letters: list[Letter]) -> dict[str, float]:
    store = make()
    batches_ms = []
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(letters), batch):
        begun = time.perf_counter()
        store.write(letters[start : start + batch])
        batches_ms.append(1000 * (time.perf_counter() - begun))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    store.close()
    began = time.perf_counter()
    store = make()
    open_s = time.perf_counter() - began
    assert sum(store.waiting(f"lanes/{i}") for i in range(DEVICES)) == len(letters)
    began = time.perf_counter()
    last = {letter.device: letter.seq for letter in letters}
    for seq in range(100, max(last.values()) + 100, 100):
        store.write(acks=[Ack(device, 7, min(seq, most)) for device, most in last.items()])
    ack_s = time.perf_counter() - began
    assert all(store.waiting(f"lanes/{i}") == 0 for i in range(DEVICES))
    store.close()
    figures = {
        "letters_per_s": round(len(letters) / wall_s),
        "cpu_us_per_letter": round(1e6 * cpu_s / len(letters), 1),
        "batch_ms_p50": round(statistics.median(batches_ms), 2),
        "batch_ms_p99": round(statistics.quantiles(batches_ms, n=100)[98], 2),
        "open_ms": round(1000 * open_s, 1),
        "ack_us_per_letter": round(1e6 * ack_s / len(letters), 1),
    }
    print(f"{name:>7}, {batch:>3} a batch: {figures}")
    return figures


if __name__ == "__main__":
    main()
