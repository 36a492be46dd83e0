"""Passes every decision through its signal's rules before it leaves: the optimiser proposes, they dispose.

It reckons from states and measurements how long each movement has been red and where somebody waits, so that
maximum red, pedestrian recall and maximum green are kept here already and the edge has little to refuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from citybrain.conflicts import GREEN
from citybrain.messages import IntersectionConfig, LaneMeasurement, LaneReading, SignalState
from citybrain.rules import MAX_RED_S, Rules, Standing, dispose, rules_of
from traffic.horizon import Shown
from traffic.region import Decision

log = structlog.get_logger()

MAX_GAP_S = 5.0
"""Field seconds between two messages that are counted at most."""


@dataclass(slots=True)
class _Watched:
    """One signal; times by movement."""

    config: IntersectionConfig
    rules: Rules
    red_s: list[float]
    shown: str = ""
    clock_s: float | None = None
    waiting: frozenset[int] = field(default_factory=frozenset)

    def go_to(self, clock_s: float) -> None:
        if self.clock_s is not None:
            passed_s = min(max(clock_s - self.clock_s, 0.0), MAX_GAP_S)
            for movement, shown in enumerate(self.shown):
                self.red_s[movement] = 0.0 if shown in GREEN else self.red_s[movement] + passed_s
        self.clock_s = clock_s


class Disposal:
    """The rules of all signals of a region, and what they say to its decisions."""

    def __init__(self) -> None:
        self._signals: dict[str, _Watched] = {}

    def on_config(self, config: IntersectionConfig) -> None:
        """Watch this signal, from the beginning; `citybrain.inspection` has found it sound."""
        rules = rules_of(config, MAX_RED_S)
        self._signals[config.intersection] = _Watched(config, rules, [0.0] * len(config.movements))

    def on_state(self, state: SignalState) -> None:
        signal = self._signals.get(state.intersection)
        if signal is not None and len(state.indications) == len(signal.red_s):
            signal.go_to(state.clock_s)
            signal.shown = state.indications

    def on_measurement(self, measurement: LaneMeasurement) -> None:
        signal = self._signals.get(measurement.intersection)
        if signal is not None:
            signal.go_to(measurement.clock_s)
            signal.waiting = waiting_movements(signal.config, measurement.lanes)

    def settle(self, decision: Decision, shown: Shown) -> tuple[Decision, bool]:
        """The decision as the rules let it leave, and whether they overruled it; its reason says why."""
        signal = self._signals[decision.intersection]
        standing = Standing(
            shown.phase, shown.target, shown.left_s > 0, shown.green_s, signal.red_s, signal.waiting
        )
        disposed = dispose(signal.rules, decision.phase, standing)
        if not disposed.refusal:
            return decision, False
        log.info("decision_overruled", intersection=decision.intersection, reason=disposed.refusal)
        return replace(decision, phase=disposed.phase, reason=disposed.refusal), True


def waiting_movements(config: IntersectionConfig, lanes: Sequence[LaneReading]) -> frozenset[int]:
    """Movements of lanes at whose stop line somebody is seen to queue."""
    queued = {lane.lane for lane in lanes if lane.queued > 0}
    return frozenset(m for m, movement in enumerate(config.movements) if movement.from_lane in queued)
