"""A signal controller that speaks NTCIP 1202: phases held, forced off, called and omitted over SNMP.

The controller keeps its own minimum greens, clearances and conflict monitor; it is asked for phases, and what
it shows is followed. While nobody asks it runs its own plan. Its backup timer (unitBackupTime) ends whatever
was asked for when nothing was heard for some seconds, so that it needs no watchdog of ours to be safe.
"""

import math
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig
from edge.drivers import ntcip
from edge.drivers.driver import Look
from edge.drivers.snmp import Oid, Snmp
from edge.wiring import Wiring, check_groups, lamps, walking

log = structlog.get_logger()

TICK_S = 1.0
BACKUP_S = 5
"""Seconds of silence after which the controller goes back to its own plan."""
TOLERANCE_S = 0.5
DARK = "O"
FLASHING = "o"


class Clock(Protocol):
    """What tells the time, and waits."""

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None: ...


class WallClock:
    """The machine's own."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class NtcipCabinet:
    """One controller (`edge.drivers.driver.Cabinet`)."""

    times_itself = True

    def __init__(
        self,
        wiring: Wiring,
        open_snmp: Callable[[], Snmp],
        pattern: int = 0,
        clock: Clock | None = None,
    ) -> None:
        check_groups(wiring)
        self._wiring = wiring
        self._known = frozenset(wiring.groups())
        self._blocks = math.ceil(max(self._known) / ntcip.PER_GROUP)
        self._open_snmp = open_snmp
        self._pattern = pattern
        self._clock = clock or WallClock()
        self._snmp: Snmp | None = None
        self._standing: ntcip.Standing | None = None
        self._next_s = 0.0
        self._released_s: float | None = None

    def connect(self) -> tuple[IntersectionConfig, Look]:
        """As `Cabinet.connect`; raises ConfigError where it is not programmed as wired."""
        self.close()
        self._snmp = self._open_snmp()
        self._check_programming(self._snmp)
        self._set_backup_time(self._snmp)
        self._next_s = self._clock.now()
        self.release()
        look = self.look(0.0)
        return self._wiring.config, look

    def look(self, timeout_s: float) -> Look:  # noqa: ARG002 - it answers at once, or is unavailable
        """What it shows, once a second."""
        now_s = self._clock.now()
        if now_s < self._next_s:
            self._clock.wait(self._next_s - now_s)
        self._next_s = max(self._next_s, now_s - TICK_S) + TICK_S
        found = self._connected().get(ntcip.status_oids(self._blocks))
        self._standing = standing = ntcip.standing(found, self._blocks)
        shown = lamps(self._wiring, standing.lit)
        if standing.refusal and standing.control != ntcip.MANUAL:
            shown = FLASHING * len(shown)
        return Look(self._clock.now(), shown, {}, 1, standing.refusal)

    def show(self, indications: str, phase: int) -> None:  # noqa: ARG002 - the controller times its lamps
        assert self._standing is not None
        wanted = frozenset(self._wiring.config.phases[phase].groups)
        orders = ntcip.toward(wanted, walking(self._wiring, phase), self._known, self._standing)
        self._released_s = None
        self._connected().set(orders.values(self._blocks))

    def release(self) -> None:
        now_s = self._clock.now()
        # A pattern that is asked for ends with the backup timer, unless it is asked for again.
        if self._released_s is None or (self._pattern and now_s - self._released_s >= BACKUP_S / 3):
            self.let_go()

    def let_go(self) -> None:
        """Take all orders back, now: it goes on by its own plan."""
        self._relinquish(self._pattern)
        self._released_s = self._clock.now()

    def flash(self) -> None:
        """Bring it to flash, until it is released; to be repeated within `BACKUP_S`."""
        self._released_s = None
        self._relinquish(ntcip.PATTERN_FLASH)

    def close(self) -> None:
        if self._snmp is not None:
            self._snmp.end()
        self._snmp = None
        self._released_s = None

    def _relinquish(self, pattern: int) -> None:
        self._connected().set(ntcip.Orders().values(self._blocks) | {ntcip.SYSTEM_PATTERN: pattern})

    def _connected(self) -> Snmp:
        if self._snmp is None:
            self._snmp = self._open_snmp()
        return self._snmp

    def _check_programming(self, snmp: Snmp) -> None:
        most = snmp.get([ntcip.MAX_PHASES])[ntcip.MAX_PHASES]
        if max(self._known) > most:
            raise ConfigError(
                f"the controller at {snmp.where} has {most} phases; the wiring names phase {max(self._known)}"
            )
        found = snmp.get(
            [(*ntcip.PHASE_ENTRY, column, group) for group in self._known for column in ntcip.Phase]
        )
        for fault in programming_faults(self._wiring, found):
            raise ConfigError(f"the controller at {snmp.where}: {fault}")

    def _set_backup_time(self, snmp: Snmp) -> None:
        try:
            snmp.set({ntcip.UNIT_BACKUP_TIME: BACKUP_S})
        except ConfigError:
            # Some controllers take it from their own panel only.
            own_s = snmp.get([ntcip.UNIT_BACKUP_TIME])[ntcip.UNIT_BACKUP_TIME]
            if not 0 < own_s <= 60:
                raise ConfigError(
                    f"the controller at {snmp.where} has a unitBackupTime of {own_s} s and refuses another; "
                    f"set it to {BACKUP_S} s at its panel, or it keeps the last order when this agent dies"
                ) from None
            log.warning("backup_time_kept", controller=snmp.where, backup_s=own_s)


def programming_faults(wiring: Wiring, found: dict[Oid, int]) -> list[str]:
    """What of a controller's phase table contradicts the wiring that others plan by."""

    def value(column: ntcip.Phase, group: int) -> int:
        return found[(*ntcip.PHASE_ENTRY, column, group)]

    faults = []
    for index, (movement, wire) in enumerate(zip(wiring.config.movements, wiring.wires, strict=True)):
        if wiring.is_crossing(index):
            continue
        for group in (*wire.protected, *wire.permissive):
            yellow_s = value(ntcip.Phase.YELLOW, group) / 10
            red_s = value(ntcip.Phase.RED_CLEAR, group) / 10
            if yellow_s < movement.yellow_s - TOLERANCE_S:
                faults.append(
                    f"phase {group} has {yellow_s} s of yellow; movement {index} needs {movement.yellow_s}"
                )
            if red_s < wiring.config.all_red_s - TOLERANCE_S:
                faults.append(
                    f"phase {group} has {red_s} s of red clearance instead of {wiring.config.all_red_s}"
                )
    for number, ring in enumerate(wiring.config.rings):
        rings = {value(ntcip.Phase.RING, group) for side in ring.sides for group in side}
        if len(rings) != 1:
            faults.append(f"the phases of ring {number} of the wiring are in its rings {sorted(rings)}")
    return faults
