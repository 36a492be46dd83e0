"""The figures of one simulated run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApproachWait:
    """Seconds that vehicles stood (below 0.1 m/s) on the way to one signal, by the edge that leads to it.

    All who came are counted, also those that the run's end found there; a vehicle that could not enter the
    network yet waits for the first approach of its route.
    """

    intersection: str
    approach: str
    vehicles: int
    mean_s: float
    p95_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One scenario under one controller with one seed.

    Means are over every vehicle that was scheduled to depart within the run: finished, unfinished or never
    departed. `delay_s` is time loss plus departure delay, `trip_time_s` time in the network plus departure
    delay, `waiting_s` standing, `stops` how often a vehicle came to stand. `throughput` is finished trips per
    hour; `unfinished` had departed. `co2_g_per_km` is all emitted over all driven. Decision times are of the
    optimiser, 0 for the others; `wall_s` is the whole run.
    """

    scenario: str
    controller: str
    protocol: str
    observe: str
    seed: int
    simulated_s: float
    vehicles: int
    delay_s: float
    trip_time_s: float
    waiting_s: float
    stops: float
    throughput: float
    unfinished: int
    never_departed: int
    collisions: int
    emergency_brakes: int
    p95_delay_s: float
    co2_g_per_km: float
    starved: ApproachWait | None
    """The approach with the longest p95 wait; all are in `approaches`, longest first."""
    approaches: tuple[ApproachWait, ...]
    decisions: int
    decision_p50_ms: float
    decision_p95_ms: float
    decision_p99_ms: float
    decision_max_ms: float
    wall_s: float
