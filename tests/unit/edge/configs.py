"""Small intersections for the tests of the edge."""

from datetime import UTC, datetime
from typing import Any

from citybrain.messages import ApproachLane, IntersectionConfig, Movement, Phase

AT = datetime(2026, 1, 1, tzinfo=UTC)


def phase(indications: str, min_green_s: float = 7.0, local_green_s: float = 20.0) -> Phase:
    return Phase(
        indications=indications, min_green_s=min_green_s, max_green_s=60.0, local_green_s=local_green_s
    )


def crossroads(**changes: Any) -> IntersectionConfig:
    """Movements: 0 west-east, 1 permissive left from the west, 2 east-west, 3 north-south, 4 a crossing.

    Phase 0 is the main road with a permissive left, 1 the protected left, 2 the side road and its crossing.
    """
    movements = [
        Movement("w_0", "e_0", foes=[3, 4], yellow_s=4.0),
        Movement("w_1", "n_0", foes=[2, 3], yields_to=[2], turn="left", yellow_s=3.0),
        Movement("o_0", "w_0", foes=[1, 3], yellow_s=4.0),
        Movement("n_0", "s_0", foes=[0, 1, 2], yellow_s=3.5),
        Movement("c_0", "c_1", foes=[0], turn="pedestrian", length_m=10.7, yellow_s=3.0),
    ]
    values: dict[str, Any] = {
        "at": AT,
        "device": "signal/x",
        "boot": 1,
        "seq": 1,
        "intersection": "x",
        "position": (6.9, 50.9),
        "lanes": [
            ApproachLane(lane=lane, length_m=100.0, speed_limit_mps=13.9, path=[(6.9, 50.9), (6.901, 50.9)])
            for lane in ("w_0", "w_1", "o_0", "n_0")
        ],
        "movements": movements,
        "phases": [phase("GgGrr"), phase("GGrrr", 5.0, 8.0), phase("rrrGG")],
        "all_red_s": 2.0,
    }
    return IntersectionConfig(**(values | changes))
