"""The road network as it arrives: parts of a version, complete or not shown."""

from collections.abc import Iterator, Sequence

from citybrain.fields import LonLat
from citybrain.messages import RoadNetwork, RoadSegment


class NetworkBoard:
    """The latest complete network of each device that publishes one."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], dict[int, RoadNetwork]] = {}
        self._complete: dict[str, tuple[str, dict[str, RoadSegment]]] = {}

    def apply(self, part: RoadNetwork) -> bool:
        """Take in one part; True where this completed a network that was not shown yet."""
        key = (part.device, part.version)
        shown = self._complete.get(part.device)
        if shown is not None and shown[0] == part.version:
            return False
        parts = self._parts.setdefault(key, {})
        parts[part.part] = part
        if any(number not in parts for number in range(1, part.parts + 1)):
            return False
        segments = {
            segment.lane: segment for number in range(1, part.parts + 1) for segment in parts[number].segments
        }
        self._complete[part.device] = (part.version, segments)
        self._parts = {known: held for known, held in self._parts.items() if known[0] != part.device}
        return True

    def segments(self) -> Iterator[RoadSegment]:
        for _, segments in self._complete.values():
            yield from segments.values()

    def speed_limit(self, lane: str) -> float | None:
        for _, segments in self._complete.values():
            if lane in segments:
                return segments[lane].speed_limit_mps
        return None

    def paths(self) -> dict[str, Sequence[LonLat]]:
        """Lane, its points in driving direction."""
        return {segment.lane: segment.path for segment in self.segments()}
