"""Figures of runs that were never run."""

from typing import Any

from simulations.figures import RunFigures


def figures(controller: str, seed: int, delay_s: float, **changes: Any) -> RunFigures:
    values: dict[str, Any] = {
        "scenario": "town", "controller": controller, "protocol": "resco", "observe": "camera", "seed": seed,
        "simulated_s": 3600.0, "vehicles": 100, "delay_s": delay_s, "trip_time_s": delay_s + 60.0,
        "waiting_s": 1.0, "stops": 1.0, "throughput": 90.0, "unfinished": 9, "never_departed": 1,
        "collisions": 0, "emergency_brakes": 0, "p95_delay_s": 2 * delay_s, "co2_g_per_km": 200.0,
        "starved": None, "approaches": (), "decisions": 0, "decision_p50_ms": 0.0, "decision_p95_ms": 0.0,
        "decision_p99_ms": 0.0, "decision_max_ms": 0.0, "wall_s": 1.0,
    }  # fmt: skip
    return RunFigures(**(values | changes))
