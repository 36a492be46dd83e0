"""What the planner believes of traffic and wants of a plan: headways and prices."""

from typing import NamedTuple


class Weights(NamedTuple):
    """Constants of the model. Headways in s per vehicle; see docs/optimiser.md for where they come from."""

    protected_headway: float = 1.9
    permissive_headway: float = 2.5
    on_red_headway: float = 4.0
    wrong_turn_headway: float = 60.0
    """Of a vehicle at the head whose own movement is red while another of its lane is green."""
    full_headway: float = 1000.0
    """Of a vehicle whose exit is full."""
    least_gap: float = 0.05
    """Share of time in which a permissive movement finds a gap in saturated foes."""
    stop_cost: float = 2.0
    """Seconds that stopping costs beyond the wait (braking and accelerating)."""
    red_wait: float = 8.0
    """Seconds that a vehicle still queued at the end waits for its phase."""
    crowd_cost: float = 4.0
    """Vehicle-seconds charged for sending a vehicle to a full exit, in proportion where it is less full."""
    change_cost: float = 1.0
    """Vehicle-seconds charged to each change of phase, against dithering."""


DEFAULT_WEIGHTS = Weights()
