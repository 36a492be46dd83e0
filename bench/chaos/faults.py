"""What is done to a city, drawn from one seed."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.chaos.city import City
from bench.chaos.record import Record

KILLS = {"kill_agent": 9, "kill_ingest_worker": 4, "kill_ingest": 2, "kill_broker": 2, "kill_postgres": 2}
"""How often each, against the others."""
TROUBLES = {"cut": 3, "slow": 3, "full_spool": 2, "full_database": 1}
SLOW_S = 0.25
FULL_BYTES = {"full_spool": 4_096, "full_database": 1_000_000}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault to come."""

    after_s: float
    kind: str
    lasts_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was."""

    at_s: float
    """Seconds since 1970."""
    kind: str
    devices: frozenset[str] = frozenset()
    """Whom it hurt; empty: all."""


def plan(seconds: float, kills: int, chance: random.Random) -> list[Planned]:
    """`kills` kills and half as many other troubles, spread over `seconds`, each kind at least once."""
    found = []
    for kinds, number in ((KILLS, max(kills, len(KILLS))), (TROUBLES, max(kills // 2, len(TROUBLES)))):
        drawn = list(kinds) + chance.choices(list(kinds), list(kinds.values()), k=number - len(kinds))
        chance.shuffle(drawn)
        width = seconds / number
        for place, kind in enumerate(drawn):
            found.append(Planned((place + chance.random()) * width, kind, 1.0 + 4.0 * chance.random()))
    return sorted(found, key=lambda fault: fault.after_s)


class Inflicter:
    """Does what is planned; what cannot be done (it is dead already) is done to an agent instead."""

    def __init__(self, city: City, record: Record, chance: random.Random) -> None:
        self._city = city
        self._record = record
        self._chance = chance
        self._timers: list[threading.Timer] = []
        self._deeds: dict[str, Callable[[float], frozenset[str] | None]] = {
            "kill_agent": self._kill_agent,
            "kill_ingest_worker": lambda _: self._hurt(city.ingest.kill_child(chance.choice)),
            "kill_ingest": lambda _: self._hurt(city.ingest.kill()),
            "kill_broker": lambda _: self._hurt(city.broker.kill()),
            "kill_postgres": lambda _: self._hurt(city.postgres.kill()),
            "cut": self._cut,
            "slow": self._slow,
            "full_spool": self._fill_spool,
            "full_database": self._fill_database,
        }

    def inflict(self, fault: Planned) -> Done:
        kind, hurt = fault.kind, self._deeds[fault.kind](fault.lasts_s)
        while hurt is None:
            kind, hurt = "kill_agent", self._kill_agent(0.0)
            time.sleep(0.05)
        return Done(time.time(), kind, hurt)

    def relent(self) -> None:
        """All that lasts is over."""
        for timer in self._timers:
            timer.join()

    def _hurt(self, done: bool) -> frozenset[str] | None:
        return frozenset() if done else None

    def _kill_agent(self, _lasts_s: float) -> frozenset[str] | None:
        agent = self._chance.choice(self._city.agents)
        if not agent.kill():
            return None
        self._record.forget_waiting(agent.name)
        return frozenset(self._city.devices_of[agent.name])

    def _cut(self, _lasts_s: float) -> frozenset[str]:
        self._chance.choice(list(self._city.proxies.values())).cut()
        return frozenset()

    def _slow(self, lasts_s: float) -> frozenset[str]:
        proxy = self._chance.choice(list(self._city.proxies.values()))
        proxy.slow(SLOW_S)
        self._later(lasts_s, lambda: proxy.slow(0.0))
        return frozenset()

    def _fill_spool(self, lasts_s: float) -> frozenset[str]:
        agent = self._chance.choice(self._city.agents)
        agent.limit_files(FULL_BYTES["full_spool"])
        self._later(lasts_s, lambda: agent.limit_files(None))
        return frozenset(self._city.devices_of[agent.name])

    def _fill_database(self, lasts_s: float) -> frozenset[str]:
        self._city.postgres.limit_files(FULL_BYTES["full_database"])
        self._later(lasts_s, lambda: self._city.postgres.limit_files(None))
        return frozenset()

    def _later(self, after_s: float, deed: Callable[[], None]) -> None:
        timer = threading.Timer(after_s, deed)
        timer.start()
        self._timers.append(timer)
