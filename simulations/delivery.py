"""What arrives at a controller, and when: a street's messages, late or never if so wanted."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from citybrain.messages import ControlMode, IntersectionConfig, LaneMeasurement, LaneReading, SignalState
from simulations.epoch import instant
from simulations.network import SignalNetwork
from simulations.sensing import Sensing, blind_lanes
from traffic.timing import SignalTimer

Turns = dict[str, list[int]]
"""By approach lane: the next movement of each observed vehicle, nearest first, -1 where it has none."""


class Delivered(NamedTuple):
    """What the street said in one second, by intersection. `turns` is filled in mode `full` only."""

    measurements: Mapping[str, LaneMeasurement]
    states: Mapping[str, SignalState]
    turns: Mapping[str, Turns]


class Delivery:
    """Makes the messages of each second and hands them over `late_s` seconds later.

    Raises:
        ConfigError: a blind lane that is not there.
    """

    def __init__(self, network: SignalNetwork, sensing: Sensing, quality: float = 1.0) -> None:
        self._configs = network.configs
        self._blind = blind_lanes(sensing.blind, network)
        self._silent = sensing.silent
        self._late_s = sensing.late_s
        self._quality = quality
        self._waiting: deque[Delivered] = deque()
        self._seq = 0

    def hand_over(
        self,
        clock_s: float,
        timers: Mapping[str, SignalTimer],
        readings: Mapping[str, LaneReading],
        turns: Turns,
    ) -> Delivered | None:
        """Take what is seen at `clock_s`; what arrives now, None where nothing does."""
        if self._silent:
            return None
        self._seq += 1
        self._waiting.append(self._delivered(clock_s, timers, readings, turns))
        return self._waiting.popleft() if len(self._waiting) > self._late_s else None

    def _delivered(
        self,
        clock_s: float,
        timers: Mapping[str, SignalTimer],
        readings: Mapping[str, LaneReading],
        turns: Turns,
    ) -> Delivered:
        measurements, states, known = {}, {}, {}
        for id_, config in self._configs.items():
            lanes = [lane.lane for lane in config.lanes if lane.lane not in self._blind]
            measurements[id_] = measurement_of(
                id_, [readings[lane] for lane in lanes], clock_s, self._seq, self._quality
            )
            states[id_] = state_of(config, timers[id_], clock_s, self._seq)
            if turns:
                known[id_] = {lane: turns[lane] for lane in lanes}
        return Delivered(measurements, states, known)


def measurement_of(
    id_: str, lanes: list[LaneReading], clock_s: float, seq: int, quality: float = 1.0
) -> LaneMeasurement:
    """What is measured at an intersection at `clock_s`, as its lanes' agent would say it."""
    return LaneMeasurement(
        at=instant(clock_s),
        device=f"lanes/{id_}",
        boot=1,
        seq=seq,
        intersection=id_,
        period_s=1.0,
        clock_s=clock_s,
        lanes=lanes,
        quality=quality,
    )


def state_of(config: IntersectionConfig, timer: SignalTimer, clock_s: float, seq: int) -> SignalState:
    """What a signal shows at `clock_s`, as its agent would say it."""
    return SignalState(
        at=instant(clock_s),
        device=config.device,
        boot=1,
        seq=seq,
        intersection=config.intersection,
        clock_s=clock_s,
        indications=timer.indications,
        phase=timer.phase,
        next_phase=timer.target,
        interval=timer.interval,
        elapsed_s=timer.elapsed_s,
        min_remaining_s=0.0,
        mode=ControlMode.COMMANDED,
    )
