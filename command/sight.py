"""What of the live city one principal may see: everything, or what lies in its districts."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from citybrain.fields import LonLat
from command.districts import Districts
from command.faults import ApiError
from command.live import Live
from command.models import View
from command.places import camera_position, intersection_position, position_of
from command.principal import Principal, SignedIn
from command.shared import Shared
from command.trust import rights


@dataclass(frozen=True, slots=True)
class Sight:
    """One principal before the live city."""

    principal: Principal
    districts: Districts
    live: Live

    @property
    def is_whole(self) -> bool:
        return not self.principal.districts

    def covers(self, position: LonLat | None) -> bool:
        """Whether a place is to be seen; what has no place is the whole city's only."""
        return self.is_whole or rights.covers(self.principal, self.districts.of(position))

    def has_intersection(self, name: str | None) -> bool:
        return self.is_whole or self.covers(intersection_position(self.live, name))

    def has_camera(self, name: str | None) -> bool:
        return self.is_whole or self.covers(camera_position(self.live, name))

    def sees(self, item: View) -> bool:
        """Whether an item of a list or of the stream is to be seen."""
        return self.is_whole or rights.covers(self.principal, self.districts.of(position_of(self.live, item)))

    def intersections(self, asked: list[str] | None) -> list[str] | None:
        """Which intersections may be asked for; None: all. ApiError 404 for one that is not to be seen."""
        if self.is_whole:
            return asked
        seen = [name for name in sorted(self.live.configs) if self.has_intersection(name)]
        return _within(asked, seen, "intersection")

    def cameras(self, asked: list[str] | None) -> list[str] | None:
        """As `intersections`, of cameras."""
        if self.is_whole:
            return asked
        seen = [name for name in sorted(self.live.cameras.known()) if self.has_camera(name)]
        return _within(asked, seen, "camera")


def _within(asked: list[str] | None, seen: list[str], what: str) -> list[str]:
    if foreign := sorted(set(asked or []) - set(seen)):
        raise ApiError(404, f"there is no {what} {foreign[0]!r}", what)
    return seen if asked is None else asked


def _sight(principal: SignedIn, centre: Shared) -> Sight:
    return Sight(principal, centre.districts, centre.live)


Seen = Annotated[Sight, Depends(_sight)]
