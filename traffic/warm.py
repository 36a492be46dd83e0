"""Compiles the optimiser before the first decision needs it (some seconds once, then from numba's cache)."""

from datetime import UTC, datetime

from citybrain.messages import (
    ApproachLane,
    ControlMode,
    IntersectionConfig,
    Interval,
    LaneMeasurement,
    LaneReading,
    Movement,
    Phase,
    SignalState,
    VehicleObservation,
)
from traffic.claims import Claim
from traffic.region import Decision, Region

_AT = datetime(2025, 1, 1, tzinfo=UTC)
_LANES = ("west", "north")


def warm() -> Decision | None:
    """Decide once at a crossing of two lanes that exists nowhere; returns what was decided."""
    region = Region([_crossing()])
    region.on_state(_state())
    waiting = LaneReading("north", 1, 1, 2.0, 0.0, 0.05, 0, 0, 1.0, (VehicleObservation(2.0, 0.0),))
    region.on_measurement(_measurement(0.0, waiting))  # one lane is blind
    region.on_measurement(_measurement(1.0, waiting, LaneReading("west", 0, 0, 0.0, None, 0.0, 0, 0, 0.0)))
    decision = region.decide("warm", _AT)
    # Whom it knows more of, it decides one by one.
    region.claim("warm", [Claim("warm", (1,), 50.0, 10.0, 5.0, 0.0, 100.0, "north", 4.0, 100.0)])
    region.decide("warm", _AT)
    return decision


def _crossing() -> IntersectionConfig:
    return IntersectionConfig(
        at=_AT,
        device="signal/warm",
        boot=1,
        seq=1,
        intersection="warm",
        position=(0.0, 0.0),
        lanes=[ApproachLane(lane, 100.0, 13.9, [(0.0, 0.0), (0.001, 0.0)]) for lane in _LANES],
        movements=[Movement(lane, f"{lane}-out", foes=[1 - m]) for m, lane in enumerate(_LANES)],
        phases=[Phase("Gr", 5.0, 60.0, 30.0), Phase("rG", 5.0, 60.0, 30.0)],
        all_red_s=1.0,
    )


def _state() -> SignalState:
    return SignalState(
        at=_AT,
        device="signal/warm",
        boot=1,
        seq=1,
        intersection="warm",
        clock_s=0.0,
        indications="Gr",
        phase=0,
        next_phase=0,
        interval=Interval.GREEN,
        elapsed_s=10.0,
        min_remaining_s=0.0,
        mode=ControlMode.COMMANDED,
    )


def _measurement(clock_s: float, *lanes: LaneReading) -> LaneMeasurement:
    return LaneMeasurement(
        at=_AT,
        device="lanes/warm",
        boot=1,
        seq=1,
        intersection="warm",
        period_s=1.0,
        clock_s=clock_s,
        lanes=list(lanes),
    )
