"""Who times one signal now: commands, or the local plan while nobody commands. Pure: no clock, no network."""

from dataclasses import dataclass, replace
from datetime import datetime

from citybrain.conflicts import GREEN
from citybrain.errors import UnsafeCommand
from citybrain.messages import ControlMode, IntersectionConfig, Interval, SignalCommand
from edge.plan import check_plan, remaining_s, wanted_phase
from edge.safety import SafetyGuard, Shown

REPEAT_ACK_S = 10.0
ASTRAY_S = 45.0
"""A controller that times itself may need so long for a change that it began by itself."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one command; `is_worth_telling` is False for a repeated hold that was acknowledged just now."""

    accepted: bool
    reason: str
    is_worth_telling: bool = True


@dataclass(frozen=True, slots=True)
class Control:
    """What is shown, who decided it, and whether contact was lost or came back with this step."""

    shown: Shown
    mode: ControlMode
    command_seq: int
    max_remaining_s: float | None
    lost: bool = False
    restored: bool = False
    behind_s: float = 0.0
    """For how long a cabinet that times itself has not shown what was asked for."""


class SignalControl:
    """Judges commands and steps the signal; every time is the field's own clock, in seconds.

    A cabinet that times itself (NTCIP 1202) is followed: its lamps are given to each step. A green counts
    from when it is really shown, and while nobody commands the controller's own plan is left alone.

    Contact is any command that is in time, in order and meant for this signal, also one that is refused as
    unsafe; after `contact_lost_s` without, the local plan goes on from whatever is shown.

    Raises:
        ConfigError: the configuration cannot be driven safely.
    """

    def __init__(
        self, config: IntersectionConfig, contact_lost_s: float, shown: str = "", clock_s: float = 0.0
    ) -> None:
        check_plan(config)
        self.config = config
        self._contact_lost_s = contact_lost_s
        self._mode = ControlMode.LOCAL
        self._clock_s = clock_s
        self._contact_s = clock_s
        self._is_alone = True  # it begins on its own plan: the first contact is news as well
        self._latest: dict[str, tuple[int, int]] = {}
        self._command_seq = 0
        self._told: tuple[int, float] | None = None
        self._restored = False
        self._guard_s = clock_s
        self._is_followed = False
        self.refusal = ""
        """Why the cabinet takes no orders now (flash, manual control); empty where it does."""
        self.restart(shown)

    def restart(self, shown: str) -> None:
        """Begin again from what the cabinet shows, after it was out of reach."""
        self._guard = SafetyGuard(self.config, shown)
        self._behind_since_s: float | None = None
        self._last: Shown | None = None

    def judge(self, command: SignalCommand, at: datetime) -> Verdict:
        """Accept or refuse `command`, heard at the wall clock time `at`."""
        if command.intersection != self.config.intersection:
            return Verdict(False, f"this is signal {self.config.intersection}")
        if (command.boot, command.seq) <= self._latest.get(command.device, (0, 0)):
            boot, seq = self._latest[command.device]
            return Verdict(False, f"out of sequence: boot {boot} seq {seq} came before")
        if at > command.expires_at:
            late_s = (at - command.expires_at).total_seconds()
            return Verdict(False, f"expired {late_s:.1f} s ago")
        self._latest[command.device] = (command.boot, command.seq)
        if command.phase >= len(self.config.phases):
            return Verdict(False, f"phase {command.phase} is unknown: there are {len(self.config.phases)}")
        if self.refusal:
            return Verdict(False, self.refusal)
        self._in_contact()
        try:
            self._guard.request(command.phase, self._guard_s)
        except UnsafeCommand as error:
            return Verdict(False, str(error))
        self._command_seq = command.seq
        return Verdict(True, "", self._is_worth_telling(command.phase))

    def step(self, clock_s: float, lamps: str = "") -> Control:
        """What to show from `clock_s` on; `lamps`: what a cabinet that times itself shows now."""
        passed_s = clock_s - self._clock_s
        # A cabinet that starts its clock anew is no reason to lose or to keep contact.
        if passed_s < 0:
            self._contact_s += passed_s
        self._clock_s = clock_s
        lost = self._mode is ControlMode.COMMANDED and clock_s - self._contact_s > self._contact_lost_s
        if lost:
            self._mode, self._is_alone = ControlMode.LOCAL, True
        restored, self._restored = self._restored, False
        self._is_followed = bool(lamps)
        shown = self._follow(passed_s, lamps) if lamps else self._drive()
        self._last = shown
        told = _as_seen(shown, lamps) if lamps else shown
        behind_s = 0.0 if self._behind_since_s is None else clock_s - self._behind_since_s
        mode = ControlMode.FLASH if told.interval is Interval.FLASH else self._mode
        return Control(told, mode, self._command_seq, self._max_remaining_s(shown), lost, restored, behind_s)

    def _drive(self) -> Shown:
        self._guard_s = self._clock_s
        shown = self._guard.step(self._guard_s)
        if self._mode is ControlMode.LOCAL and _is_steady(shown):
            shown = self._follow_plan(shown)
        return shown

    def _follow(self, passed_s: float, lamps: str) -> Shown:
        """Keep in step with lamps that somebody else times."""
        last, found = self._last, self._phase_of(lamps)
        is_behind = last is not None and _is_steady(last) and last.phase not in found
        if is_behind and self._behind_since_s is None:
            self._behind_since_s = self._clock_s
        elif not is_behind:
            self._behind_since_s = None
        astray = self._behind_since_s is not None and self._clock_s - self._behind_since_s > ASTRAY_S
        if is_behind and found and (self._mode is ControlMode.LOCAL or astray):
            self.restart(self._guard.rules.phases[found[0]])
        elif not is_behind:
            self._guard_s += max(passed_s, 0.0)
        return self._guard.step(self._guard_s)

    def _phase_of(self, lamps: str) -> list[int]:
        """The phases that these lamps are; a crossing may have been served already, or not be asked for."""
        rules = self._guard.rules
        return [
            phase
            for phase, shown in enumerate(rules.phases)
            if len(shown) == len(lamps)
            and all(
                a == b or (rules.walk_clearance_s[m] > 0 and a not in GREEN)
                for m, (a, b) in enumerate(zip(lamps, shown, strict=True))
            )
        ]

    def _in_contact(self) -> None:
        self._contact_s = self._clock_s
        self._mode = ControlMode.COMMANDED
        if self._is_alone:
            self._is_alone, self._restored = False, True

    def _follow_plan(self, shown: Shown) -> Shown:
        wanted = wanted_phase(self.config, self._guard.rules, shown.phase, shown.elapsed_s, self._clock_s)
        try:
            self._guard.request(wanted, self._clock_s)
        except UnsafeCommand:
            return shown  # a starving phase comes first
        return self._guard.step(self._clock_s)

    def _max_remaining_s(self, shown: Shown) -> float | None:
        if not _is_steady(shown):
            return shown.min_remaining_s
        if self._mode is ControlMode.LOCAL and not self._is_followed:
            return remaining_s(self.config, shown.phase, shown.elapsed_s, self._clock_s)
        return None

    def _is_worth_telling(self, phase: int) -> bool:
        if self._told is not None:
            told, clock_s = self._told
            if told == phase and 0 <= self._clock_s - clock_s < REPEAT_ACK_S:
                return False
        self._told = (phase, self._clock_s)
        return True


def _is_steady(shown: Shown) -> bool:
    """Whether a phase is green and no change has begun, not even the clearance of its crossings."""
    return shown.interval is Interval.GREEN and shown.phase == shown.next_phase


def _as_seen(shown: Shown, lamps: str) -> Shown:
    """What is really lit, with what the guard knows of it."""
    if not set(lamps) <= set("GgyrsS"):
        interval = Interval.FLASH
    elif "y" in lamps:
        interval = Interval.YELLOW
    else:
        interval = Interval.GREEN if GREEN & set(lamps) else Interval.ALL_RED
    return replace(shown, indications=lamps, interval=interval)
