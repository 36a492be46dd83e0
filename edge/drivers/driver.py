"""What an agent needs of a device: every make of controller or camera feed is one module that provides it."""

from typing import NamedTuple, Protocol

from citybrain.messages import IntersectionConfig, RoadUser


class Seen(NamedTuple):
    """One vehicle on an approach, as a camera's own tracker sees it.

    `tag` is the tracker's number for as long as the vehicle is in view; it never leaves the agent.
    """

    tag: int
    distance_m: float
    speed_mps: float
    length_m: float
    road_user: RoadUser


class Look(NamedTuple):
    """One look at the street: the device's clock, the signal, and, for a camera, the vehicles by lane.

    A new `run` says that the device's view began anew: vehicles of the one before did not drive away.
    `refusal` is why a controller takes no orders now (flash, manual control).
    """

    clock_s: float
    indications: str
    lanes: dict[str, list[Seen]]
    run: int
    refusal: str = ""


class Cabinet(Protocol):
    """A signal controller's cabinet. All methods raise Unavailable while it cannot be reached.

    One that `times_itself` runs its own greens, yellows and clearances and its own plan; what it shows is
    followed. Any other shows exactly what it is told.
    """

    times_itself: bool

    def connect(self) -> tuple[IntersectionConfig, Look]:
        """What the cabinet is wired for, and what it shows now."""

    def look(self, timeout_s: float) -> Look | None:
        """The next tick of its clock, with what it really shows; None when none came in time."""

    def show(self, indications: str, phase: int) -> None:
        """Show this until the next call, on the way to `phase` or in it; call it on every tick.

        A cabinet that is not called falls back by itself.
        """

    def release(self) -> None:
        """Nobody commands: a cabinet that times itself goes on by its own plan. Called on every tick."""

    def close(self) -> None:
        """Let go of it; it falls back to its own program."""


class LaneCamera(Protocol):
    """A camera with on-board analytics over an intersection's approaches."""

    def connect(self) -> tuple[IntersectionConfig, dict[str, float]]:
        """The intersection, and how many metres before the stop line it sees of each lane."""

    def look(self, timeout_s: float) -> Look | None:
        """The next look; None when none came in time. Raises Unavailable."""

    def close(self) -> None:
        """Let go of it."""
