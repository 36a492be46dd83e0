"""The configurations that a region has heard: its own intersections, and those that touch it from beyond."""

from datetime import UTC, datetime

from msgspec.structs import replace

from citybrain.inspection import check_config
from citybrain.messages import IntersectionConfig
from traffic.border import Border
from traffic.region import Region


class Atlas:
    """Who is planned here, and who by other regions.

    `beyond`: intersections of others whose outflow matters here; `edge`: own ones whose outflow matters
    there. Both are as of the latest `region` and may be read by any thread.
    """

    def __init__(self) -> None:
        self.own: dict[str, IntersectionConfig] = {}
        self.beyond: frozenset[str] = frozenset()
        self.edge: frozenset[str] = frozenset()
        self._others: dict[str, IntersectionConfig] = {}
        self._border = Border(())

    def learn(self, config: IntersectionConfig, *, is_own: bool) -> bool:
        """Take a configuration in; whether the region has to be built anew.

        Raises:
            ConfigError: nobody could drive it safely; what was known of it before is dropped.
        """
        known = self.own if is_own else self._others
        id_ = config.intersection
        if id_ in known and _content(known[id_]) == _content(config):
            return False
        known.pop(id_, None)
        check_config(config)
        known[id_] = config
        return is_own or id_ in self.beyond or self._border.touches(config)

    def region(self, speed: float) -> Region:
        """A new region over all that is known now."""
        self._border = Border(self.own.values())
        beyond = [other for _, other in sorted(self._others.items()) if self._border.touches(other)]
        self.beyond = frozenset(other.intersection for other in beyond)
        theirs = Border(beyond)
        self.edge = frozenset(id_ for id_, config in self.own.items() if theirs.touches(config))
        own = [config for _, config in sorted(self.own.items())]
        return Region(own, speed=speed, neighbours=beyond)


def _content(config: IntersectionConfig) -> IntersectionConfig:
    """The configuration without what changes at each announcement."""
    return replace(config, at=datetime.min.replace(tzinfo=UTC), boot=1, seq=1, is_historical=False)
