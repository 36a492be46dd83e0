"""Refuses a signal configuration that cannot be driven safely, before anybody drives it."""

from citybrain.conflicts import conflicts
from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig, Movement
from citybrain.rings import check_rings
from citybrain.rules import PEDESTRIAN, YELLOW_BOUNDS_S, yellow_s

YELLOW_TOLERANCE_S = 0.5
"""National tables round the kinematic equation differently (RiLSA: 3, 4, 5 s at 50, 60, 70 km/h)."""


def check_config(config: IntersectionConfig) -> None:
    """Refuse what no guard can make safe.

    Raises:
        ConfigError: names the phase or movement and what is wrong with it.
    """
    count = len(config.movements)
    where = f"signal {config.intersection}"
    limits = {lane.lane: lane.speed_limit_mps for lane in config.lanes}
    for index, movement in enumerate(config.movements):
        if any(foe >= count for foe in (*movement.foes, *movement.yields_to)):
            raise ConfigError(f"{where}: movement {index} names a foe that is not there")
        _check_yellow(f"{where}: movement {index}", movement, limits.get(movement.from_lane, 0.0))
    for index, phase in enumerate(config.phases):
        if len(phase.indications) != count:
            raise ConfigError(
                f"{where}: phase {index} has {len(phase.indications)} indications for {count} movements"
            )
        if pairs := conflicts(config, phase.indications):
            one, other = pairs[0]
            raise ConfigError(
                f"{where}: phase {index} gives protected green to the conflicting movements {one} and {other}"
            )
        if phase.max_green_s < phase.min_green_s:
            raise ConfigError(f"{where}: phase {index} has a maximum green below its minimum green")
    check_rings(config)


def _check_yellow(where: str, movement: Movement, limit_mps: float) -> None:
    if movement.turn == PEDESTRIAN:
        return
    shortest = YELLOW_BOUNDS_S[0]
    if movement.yellow_s <= 0:
        raise ConfigError(f"{where} has no yellow; set yellow_s to {shortest:.0f} s or more")
    wanted = yellow_s(limit_mps)
    if movement.yellow_s < max(shortest, wanted - YELLOW_TOLERANCE_S):
        raise ConfigError(
            f"{where} has {movement.yellow_s:.1f} s of yellow at a limit of {limit_mps:.1f} m/s; "
            f"set yellow_s to {wanted:.1f} s"
        )
