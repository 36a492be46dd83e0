"""What priority is worth: trips with and without it on the same seeds, what others pay, and recovery."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulations.emergency import EmergencyResult
from simulations.emergency_watch import TripResult
from traffic.network import Floats

SMOOTH_S = 30
"""Queues are compared as means over so long."""
RECOVERED_VEHICLES = 1.0
"""A signal has recovered when its queue is no longer than without priority by more than this."""
RECOVERY_LIMIT_S = 300.0
"""What has not recovered by then counts with this: by then other things have happened."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from an emergency vehicle's passing until the signal's queue is what it is without priority."""

    passes: int
    mean_s: float
    p95_s: float
    not_recovered: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One way of running the signals over all seeds; times are means over trips.

    `over_free`: travel time beyond the free trip's, as a share of that. `travel_ratio`,
    `signal_delay_ratio`: to own programs without priority; `others_ratio`: others' delay by that of the same
    controller without priority. None where the run to compare with is missing.
    """

    controller: str
    priority: bool
    seeds: tuple[int, ...]
    trips: int
    arrived: int
    travel_s: float
    free_s: float
    over_free: float
    signal_delay_s: float
    stops: float
    others_delay_s: float
    others_unfinished: float
    signal_delay_ratio: float | None
    travel_ratio: float | None
    others_ratio: float | None
    recovery: Recovery | None

    @property
    def name(self) -> str:
        return self.controller + ("+priority" if self.priority else "")


def summarise(results: Sequence[EmergencyResult]) -> list[Summary]:
    """One summary for each controller with and without priority, in the order of the results."""
    groups: dict[tuple[str, bool], list[EmergencyResult]] = {}
    for result in results:
        groups.setdefault((result.controller, result.priority), []).append(result)
    fixed = groups.get(("fixed", False))
    return [
        _summary(group, fixed, groups.get((controller, False)) if priority else None)
        for (controller, priority), group in groups.items()
    ]


def recovery_s(queued: Floats, without: Floats, passed_s: float) -> float:
    """Seconds after `passed_s` until the queue is back to what it is in the run without priority.

    `queued[t]`, `without[t]`: vehicles queued at one signal in second t of the two runs of one seed. Both are
    smoothed over `SMOOTH_S`; at most `RECOVERY_LIMIT_S`.
    """
    begin = int(passed_s)
    more = _trailing(queued) - _trailing(without[: len(queued)])
    later = more[begin : begin + int(RECOVERY_LIMIT_S)]
    back = np.flatnonzero(later <= RECOVERED_VEHICLES)
    return float(back[0]) if len(back) else RECOVERY_LIMIT_S


def _trailing(queued: Floats) -> Floats:
    sums = np.cumsum(np.concatenate([np.zeros(SMOOTH_S), queued]), dtype=np.float64)
    return (sums[SMOOTH_S:] - sums[:-SMOOTH_S]) / SMOOTH_S


def _summary(
    group: list[EmergencyResult], fixed: list[EmergencyResult] | None, without: list[EmergencyResult] | None
) -> Summary:
    trips = _trips(group)
    travel_s, free_s = _mean(trips, "travel_s"), _mean(trips, "free_s")
    signal_delay_s = _mean(trips, "signal_delay_s")
    fixed_trips = _trips(fixed) if fixed else []
    others_s = float(np.mean([result.others.delay_s for result in group]))
    same_s = float(np.mean([result.others.delay_s for result in without])) if without else 0.0
    return Summary(
        controller=group[0].controller,
        priority=group[0].priority,
        seeds=tuple(result.seed for result in group),
        trips=len(trips),
        arrived=sum(trip.arrived for trip in trips),
        travel_s=travel_s,
        free_s=free_s,
        over_free=travel_s / free_s - 1.0 if free_s > 0 else 0.0,
        signal_delay_s=signal_delay_s,
        stops=_mean(trips, "stops"),
        others_delay_s=others_s,
        others_unfinished=float(np.mean([result.others.unfinished for result in group])),
        signal_delay_ratio=_ratio(signal_delay_s, _mean(fixed_trips, "signal_delay_s")),
        travel_ratio=_ratio(travel_s, _mean(fixed_trips, "travel_s")),
        others_ratio=others_s / same_s if same_s > 0 else None,
        recovery=_recovery(group, without) if without else None,
    )


def _trips(group: list[EmergencyResult]) -> list[TripResult]:
    return [trip for result in group for trip in result.trips]


def _mean(trips: list[TripResult], name: str) -> float:
    return float(np.mean([getattr(trip, name) for trip in trips])) if trips else 0.0


def _ratio(value: float, base: float) -> float | None:
    return value / base if base > 0 else None


def _recovery(group: list[EmergencyResult], without: list[EmergencyResult]) -> Recovery | None:
    by_seed = {result.seed: result for result in without}
    found = [
        recovery_s(
            result.queued[result.signals.index(signal)],
            by_seed[result.seed].queued[result.signals.index(signal)],
            passed_s,
        )
        for result in group
        if result.seed in by_seed
        for trip in result.trips
        for signal, passed_s in zip(trip.signals, trip.passed_s, strict=False)
    ]
    if not found:
        return None
    seconds = np.array(found)
    return Recovery(
        len(seconds),
        float(seconds.mean()),
        float(np.percentile(seconds, 95)),
        int((seconds >= RECOVERY_LIMIT_S).sum()),
    )
