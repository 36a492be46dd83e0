"""The agent beside a signal controller: commands in, states out, the local plan when nobody commands."""

import threading
from collections.abc import Callable
from uuid import uuid4

import msgspec
import structlog

from citybrain.codec import decode
from citybrain.config import Settings
from citybrain.errors import ConfigError, ContractError, Unavailable
from citybrain.messages import (
    CommandAck,
    ControlMode,
    EventKind,
    Health,
    IntersectionConfig,
    Severity,
    SignalCommand,
    SignalState,
    TrafficEvent,
)
from edge.control import Control, SignalControl, Verdict
from edge.drivers.driver import Cabinet
from edge.outbox import UNNUMBERED, Outbox, now
from edge.postman import Postman

log = structlog.get_logger()

STATE_S = 10.0
SILENT_S = 10.0
"""Wall seconds without a tick of the cabinet's clock after which it is reported."""
RETRY_S = (1.0, 2.0, 5.0, 10.0)
BEHIND_S = 30.0
DETAILS = {
    ControlMode.COMMANDED: "commanded",
    ControlMode.LOCAL: "local plan",
    ControlMode.FLASH: "the controller flashes",
}


class SignalAgent:
    """One signal controller's agent; `run` until told to stop, in a thread of its own.

    `beat` is called after each tick in which the cabinet was told what to show; a watchdog listens for it.
    """

    def __init__(
        self,
        settings: Settings,
        postman: Postman,
        cabinet: Cabinet,
        intersection: str,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.device = f"signal/{intersection}"
        self._intersection = intersection
        self._contact_lost_s = settings.edge.contact_lost_s
        self._cabinet = cabinet
        self._beat = beat
        self._outbox = Outbox(settings, postman, self.device)
        self._outbox.subscribe("command", self._on_command)
        self._lock = threading.Lock()
        self._control: SignalControl | None = None
        self._is_connected = False
        self._sent: tuple[object, ...] = ()
        self._sent_s = 0.0
        self._lost: TrafficEvent | None = None
        self._accepted = self._refused = 0
        self._log = log.bind(device=self.device)

    def run(self, stop: threading.Event) -> None:
        """Serve the signal until `stop`; a cabinet that is away is tried again and again."""
        self._outbox.start()
        attempt = 0
        while not stop.is_set():
            try:
                self._connect()
                attempt = 0
                self._serve(stop)
            except Unavailable as error:
                self._outbox.report(Health.DEGRADED, str(error))
                if attempt == 0:
                    self._log.warning("cabinet_lost", reason=str(error))
            except ConfigError as error:
                self._outbox.report(Health.FAILED, str(error))
                self._log.error("signal_unsafe", reason=str(error))
            except Exception as error:
                self._outbox.report(Health.FAILED, f"{type(error).__name__}: {error}")
                self._log.exception("signal_failed")
            with self._lock:
                self._is_connected = False
            self._cabinet.close()
            stop.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
        self._outbox.close()

    def _connect(self) -> None:
        config, look = self._cabinet.connect()
        with self._lock:
            if self._control is not None and _is_same(self._control.config, config):
                self._control.restart(look.indications)
            else:
                self._control = SignalControl(config, self._contact_lost_s, look.indications, look.clock_s)
                self._outbox.send("config", _stamped(config), retain=True)
            self._is_connected = True
        self._outbox.report(Health.OK, "local plan", position=config.position)
        self._log.info("cabinet_found", phases=len(config.phases))

    def _serve(self, stop: threading.Event) -> None:
        control = self._control
        assert control is not None
        while not stop.is_set():
            look = self._cabinet.look(SILENT_S)
            if look is None:
                raise Unavailable(f"the cabinet's clock has stood still for {SILENT_S:.0f} s")
            with self._lock:
                control.refusal = look.refusal
                now_ = control.step(look.clock_s, look.indications if self._cabinet.times_itself else "")
            if self._cabinet.times_itself and now_.mode is not ControlMode.COMMANDED:
                self._cabinet.release()
            else:
                self._cabinet.show(now_.shown.indications, now_.shown.next_phase)
            self._beat()
            self._tell(now_, look.clock_s)
            self._report(now_)

    def _on_command(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            command = decode(payload)
        except ContractError as error:
            self._log.warning("command_malformed", reason=str(error))
            return
        if not isinstance(command, SignalCommand):
            self._log.warning("command_malformed", reason=f"a {type(command).__name__} is no command")
            return
        with self._lock:
            verdict = self._judge(command)
            self._accepted += verdict.accepted
            self._refused += not verdict.accepted
        if verdict.is_worth_telling:
            self._acknowledge(command, verdict)

    def _judge(self, command: SignalCommand) -> Verdict:
        if self._control is None or not self._is_connected:
            return Verdict(False, "the cabinet is out of reach")
        return self._control.judge(command, self._outbox.now())

    def _acknowledge(self, command: SignalCommand, verdict: Verdict) -> None:
        self._outbox.send(
            "answer",
            CommandAck(
                at=now(),
                device=self.device,
                boot=self._outbox.boot,
                seq=UNNUMBERED,
                intersection=self._intersection,
                command_device=command.device,
                command_boot=command.boot,
                command_seq=command.seq,
                phase=command.phase,
                issued_at=command.at,
                accepted=verdict.accepted,
                reason=verdict.reason[:500],
            ),
        )

    def _tell(self, control: Control, clock_s: float) -> None:
        shown = control.shown
        what = (shown.indications, shown.phase, shown.next_phase, shown.interval, control.mode)
        if control.lost or control.restored:
            self._tell_contact(control)
        if what == self._sent and 0 <= clock_s - self._sent_s < STATE_S:
            return
        self._sent, self._sent_s = what, clock_s
        self._outbox.send(
            "state",
            SignalState(
                at=now(),
                device=self.device,
                boot=self._outbox.boot,
                seq=UNNUMBERED,
                intersection=self._intersection,
                clock_s=clock_s,
                indications=shown.indications,
                phase=shown.phase,
                next_phase=shown.next_phase,
                interval=shown.interval,
                elapsed_s=shown.elapsed_s,
                min_remaining_s=shown.min_remaining_s,
                mode=control.mode,
                max_remaining_s=control.max_remaining_s,
                command_seq=control.command_seq,
            ),
        )

    def _tell_contact(self, control: Control) -> None:
        at = now()
        if control.lost:
            self._log.warning("control_lost", after_s=self._contact_lost_s)
            self._lost = self._event(
                EventKind.CONTROL_LOST,
                Severity.WARNING,
                f"no command for {self._contact_lost_s:.0f} s: the local plan takes over",
            )
            self._outbox.send("event", self._lost)
            return
        self._log.info("control_restored")
        if self._lost is not None:
            ended = msgspec.structs.replace(self._lost, at=at, end_at=at)
            self._outbox.send("event", ended)
            self._lost = None
        self._outbox.send(
            "event", self._event(EventKind.CONTROL_RESTORED, Severity.INFO, "commands are obeyed")
        )

    def _event(self, kind: EventKind, severity: Severity, detail: str) -> TrafficEvent:
        assert self._control is not None
        at = now()
        return TrafficEvent(
            at=at,
            device=self.device,
            boot=self._outbox.boot,
            seq=UNNUMBERED,
            event=uuid4().hex,
            kind=kind,
            severity=severity,
            start_at=at,
            end_at=at if kind is EventKind.CONTROL_RESTORED else None,
            intersection=self._intersection,
            position=self._control.config.position,
            detail=detail,
        )

    def _report(self, control: Control) -> None:
        health, detail = Health.OK, DETAILS[control.mode]
        if control.behind_s > BEHIND_S:
            health, detail = Health.DEGRADED, "the controller does not show what it is asked for"
        self._outbox.report(
            health,
            detail,
            {
                "phase": float(control.shown.phase),
                "commanded": float(control.mode is ControlMode.COMMANDED),
                "accepted": float(self._accepted),
                "refused": float(self._refused),
            },
        )


def _is_same(one: IntersectionConfig, other: IntersectionConfig) -> bool:
    return one.movements == other.movements and one.phases == other.phases and one.lanes == other.lanes


def _stamped(config: IntersectionConfig) -> IntersectionConfig:
    """The configuration as told now by this agent; number and boot follow in the outbox."""
    return msgspec.structs.replace(config, at=now())
