"""A scenario: a network with demand, and where both come from."""

from dataclasses import dataclass, replace
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.epoch import EPOCH
from simulations.network import RESCO, STREET, Protocol, SignalNetwork, read_network
from simulations.schedules import as_of

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A network with demand; `begin_s` and `end_s` on the simulation's clock, nothing is redistributed.

    `additional` files write no outputs. `corridor` names intersections in driving order, where one is known.
    `options` are further (option, value) pairs of SUMO that change how vehicles behave.
    """

    name: str
    net: Path
    routes: tuple[Path, ...]
    additional: tuple[Path, ...]
    begin_s: float
    end_s: float
    source: str
    licence: str
    resco_yellow_s: float = 3.0
    corridor: tuple[str, ...] = ()
    notes: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def protocol(self, name: str) -> Protocol:
        """The signal rules `resco` (published comparisons) or `street` (real streets)."""
        if name == STREET.name:
            return STREET
        if name == RESCO.name:
            return replace(RESCO, yellow_s=self.resco_yellow_s)
        raise ConfigError(f"protocol {name!r} is unknown: use resco or street")

    def network(self, protocol: str, *, extends: bool = False) -> SignalNetwork:
        """The signalled network under a protocol's rules; `extends` as for `read_network`.

        Raises:
            ConfigError: an unknown protocol, or as `read_network`.
        """
        return read_network(
            self.net,
            at=EPOCH,
            boot=1,
            protocol=self.protocol(protocol),
            additional=self.pinned().additional,
            extends=extends,
        )

    def pinned(self) -> "Scenario":
        """With the programs that are valid when it begins, for all its hours, where they switch by the hour.

        Raises:
            ConfigError: an additional file cannot be read.
        """
        return replace(self, additional=as_of(self.additional, self.begin_s))

    def arguments(self) -> list[str]:
        """SUMO's arguments for its files and its own options; times and outputs are the caller's."""
        arguments = ["--net-file", str(self.net)]
        if self.routes:
            arguments += ["--route-files", ",".join(map(str, self.routes))]
        if self.additional:
            arguments += ["--additional-files", ",".join(map(str, self.additional))]
        for option, value in self.options:
            arguments += [f"--{option}", value]
        return arguments
