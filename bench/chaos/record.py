"""What the agents said they generated, and what the database has of it: compared message by message."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.chaos.agent import value_of
from ingest.database import Connection


class Key(NamedTuple):
    device: str
    boot: int
    seq: int


@dataclass(slots=True)
class Verdict:
    """All counts are of messages."""

    generated: int = 0
    durable: int = 0
    """Of these: lay on disk, and so were promised."""
    stored: int = 0
    lost: list[Key] = field(default_factory=list)
    """Durable and not stored."""
    duplicated: list[Key] = field(default_factory=list)
    foreign: list[Key] = field(default_factory=list)
    """Stored and never generated."""
    altered: list[Key] = field(default_factory=list)
    """Stored with another value than generated."""
    out_of_order: int = 0
    """Stored rows of a device whose order by time of capture is not the order of generation."""
    unbalanced: list[str] = field(default_factory=list)
    """Devices (with boot) whose ledger does not close."""
    late_watermarks: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        faults = (
            self.lost,
            self.duplicated,
            self.foreign,
            self.altered,
            self.unbalanced,
            self.late_watermarks,
        )
        return self.stored > 0 and not any(faults) and not self.out_of_order


class Record:
    """Filled by the agents' lines; safe for their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generated: dict[Key, float] = {}
        self._durable: set[Key] = set()
        self._waiting: dict[str, tuple[int, int]] = {}
        self._acked: list[tuple[float, str, float]] = []
        """When it was heard, of which device, when the message was captured; seconds since 1970."""

    def hear(self, name: str, line: str) -> None:
        """A line of agent process `name`; see `bench.chaos.agent`."""
        kind, *words = line.split()
        with self._lock:
            if kind == "G":
                self._generated[Key(words[0], int(words[1]), int(words[2]))] = float(words[3])
            elif kind == "D":
                self._durable.add(Key(words[0], int(words[1]), int(words[2])))
            elif kind == "A":
                captured_s = self._generated.get(Key(words[0], int(words[1]), int(words[2])), 0.0)
                self._acked.append((time.time(), words[0], captured_s))
            elif kind == "W":
                number = int(words[0])
                quiet = self._waiting.get(name, (0, 0))[1]
                self._waiting[name] = (number, 0 if number else quiet + 1)

    def forget_waiting(self, name: str) -> None:
        """It was killed: what it said of its spool counts no more."""
        with self._lock:
            self._waiting[name] = (1, 0)

    def is_settled(self, names: list[str]) -> bool:
        """Whether each process said several times in a row that nothing waits."""
        with self._lock:
            return all(self._waiting.get(name, (1, 0))[1] >= 4 for name in names)

    @property
    def waiting(self) -> int:
        with self._lock:
            return sum(number for number, _ in self._waiting.values())

    @property
    def durable(self) -> int:
        with self._lock:
            return len(self._durable)

    def recovered_s(self, at_s: float, devices: set[str]) -> float | None:
        """From `at_s` until something captured after it was acknowledged to one of `devices` (empty: any)."""
        with self._lock:
            heard = [
                heard_s
                for heard_s, device, captured_s in self._acked
                if captured_s > at_s and (not devices or device in devices)
            ]
        return min(heard) - at_s if heard else None

    def captured_at_s(self, key: Key) -> float:
        return self._generated.get(key, 0.0)

    def compare(self, connection: Connection) -> Verdict:
        """Everything generated against everything stored."""
        found = Verdict(generated=len(self._generated), durable=len(self._durable))
        counts: Counter[Key] = Counter()
        last: dict[str, Key] = {}
        rows = connection.execute(
            "select device, boot, seq, value from sensor_observation order by device, at, boot, seq"
        )
        for device, boot, seq, value in rows:
            key = Key(str(device), int(str(boot)), int(str(seq)))
            counts[key] += 1
            if key not in self._generated:
                found.foreign.append(key)
            if value != value_of(*key):
                found.altered.append(key)
            found.out_of_order += last.get(key.device, key) > key
            last[key.device] = key
        found.stored = len(counts)
        found.duplicated = sorted(key for key, number in counts.items() if number > 1)
        found.lost = sorted(self._durable - counts.keys())
        self._balance(connection, found, set(counts))
        return found

    def _balance(self, connection: Connection, found: Verdict, stored: set[Key]) -> None:
        """The ledger settles exactly what is stored or dead-lettered, and its watermark covers no gap."""
        per_boot = Counter((key.device, key.boot) for key in stored)
        highest: dict[tuple[str, int], int] = {}
        for key in stored:
            owner = (key.device, key.boot)
            highest[owner] = max(highest.get(owner, 0), key.seq)
        letters = connection.execute("select count(*) from dead_letter").fetchone()
        if letters != (0,):
            found.unbalanced.append(f"{letters} dead letters")
        marks = connection.execute(
            "select m.device, m.boot, m.seq, (select count(*) from ledger as l where l.device = m.device"
            " and l.boot = m.boot and l.seq > m.seq) from ledger_mark as m where m.device like 'sensor/%'"
        ).fetchall()
        settled = {(str(d), int(str(b))): (int(str(seq)), int(str(above))) for d, b, seq, above in marks}
        for owner, number in per_boot.items():
            mark, above = settled.get(owner, (0, 0))
            if mark + above != number:
                found.unbalanced.append(
                    f"{owner[0]} boot {owner[1]}: {mark} + {above} settled, {number} stored"
                )
            if mark > highest[owner]:
                found.late_watermarks.append(f"{owner[0]} boot {owner[1]}: {mark} acknowledged")
