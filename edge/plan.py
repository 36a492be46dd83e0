"""The controller's own fixed-time plan: what is shown when nobody commands.

It keeps no state but the phase that is shown and for how long, so that it takes over from any command in
the middle of a green, and hands back at any moment, without a jump.
"""

from citybrain.messages import IntersectionConfig
from citybrain.rings import planned
from citybrain.rules import Rules


def split_s(config: IntersectionConfig, phase: int) -> float:
    """Green of `phase` in the plan, within its minimum and maximum, in seconds."""
    wanted = config.phases[phase]
    return max(wanted.min_green_s, min(wanted.local_green_s, wanted.max_green_s))


def wanted_phase(config: IntersectionConfig, rules: Rules, phase: int, green_s: float) -> int:
    """The phase that the plan wants after `phase` has been green for `green_s` seconds: it or the next.

    Phases without a split of their own are left out, and left at once.
    """
    if green_s < split_s(config, phase):
        return phase
    plan = planned(config)
    return rules.toward(phase, next((then for then in plan if then > phase), plan[0]))


def remaining_s(config: IntersectionConfig, phase: int, green_s: float) -> float:
    """Seconds of green that the plan still gives to `phase`."""
    return max(0.0, split_s(config, phase) - green_s)
