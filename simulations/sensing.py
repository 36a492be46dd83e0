"""How the signals of a simulation are sensed: by which devices, and what was spoilt on purpose."""

from collections.abc import Collection
from dataclasses import dataclass

from citybrain.errors import ConfigError
from simulations.network import SignalNetwork

OBSERVE = ("camera", "detector", "full")
"""`full` knows what no street tells (every vehicle and its next turn): for upper bounds only."""


@dataclass(frozen=True, slots=True)
class Sensing:
    """`missed` is the share of vehicles that the devices miss, None for what they usually miss.

    `blind` names lanes, or edges whose lanes all report nothing. Every message comes `late_s` whole seconds
    late; with `silent` none comes at all.
    """

    observe: str = "camera"
    missed: float | None = None
    blind: tuple[str, ...] = ()
    late_s: int = 0
    silent: bool = False

    def __post_init__(self) -> None:
        if self.observe not in OBSERVE:
            raise ConfigError(f"observe {self.observe!r} is unknown: use one of {', '.join(OBSERVE)}")
        if self.missed is not None and not 0 <= self.missed <= 1:
            raise ConfigError(f"missed {self.missed} is no share: give a number from 0 to 1")
        if self.late_s < 0:
            raise ConfigError(f"late {self.late_s} is before its time: give 0 or more seconds")


def blind_lanes(blind: Collection[str], network: SignalNetwork) -> frozenset[str]:
    """The approach lanes that report nothing.

    Raises:
        ConfigError: a name that is neither an approach lane nor the edge of one.
    """
    found: set[str] = set()
    for name in blind:
        lanes = {lane for lane in network.views if name in {lane, network.net.lanes[lane].edge}}
        if not lanes:
            edges = sorted({network.net.lanes[lane].edge for lane in network.views})
            some = ", ".join(edges[:8])
            raise ConfigError(
                f"blind {name!r} is no approach of this network: name a lane or edge, as {some}"
            )
        found |= lanes
    return frozenset(found)
