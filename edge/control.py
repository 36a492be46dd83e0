"""Who times one signal now: commands, or the local plan while nobody commands. Pure: no clock, no network."""

from dataclasses import dataclass
from datetime import datetime

from citybrain.errors import UnsafeCommand
from citybrain.messages import ControlMode, IntersectionConfig, Interval, SignalCommand
from edge.plan import check_plan, remaining_s, wanted_phase
from edge.safety import SafetyGuard, Shown

REPEAT_ACK_S = 10.0


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


class SignalControl:
    """Judges commands and steps the signal; every time is the field's own clock, in seconds.

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
        self.restart(shown)

    def restart(self, shown: str) -> None:
        """Begin again from what the cabinet shows, after it was out of reach."""
        self._guard = SafetyGuard(self.config, shown)

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
        self._in_contact()
        try:
            self._guard.request(command.phase, self._clock_s)
        except UnsafeCommand as error:
            return Verdict(False, str(error))
        self._command_seq = command.seq
        return Verdict(True, "", self._is_worth_telling(command.phase))

    def step(self, clock_s: float) -> Control:
        """What to show from `clock_s` on."""
        # A cabinet that starts its clock anew is no reason to lose or to keep contact.
        if clock_s < self._clock_s:
            self._contact_s -= self._clock_s - clock_s
        self._clock_s = clock_s
        lost = self._mode is ControlMode.COMMANDED and clock_s - self._contact_s > self._contact_lost_s
        if lost:
            self._mode, self._is_alone = ControlMode.LOCAL, True
        restored, self._restored = self._restored, False
        shown = self._guard.step(clock_s)
        if self._mode is ControlMode.LOCAL and _is_steady(shown):
            shown = self._follow_plan(shown)
        return Control(shown, self._mode, self._command_seq, self._max_remaining_s(shown), lost, restored)

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
        if self._mode is ControlMode.LOCAL:
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
