"""A saved view: where the map stood, what was shown on it, and how."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from command.models import View

Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Layer = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]+$")]


class SavedViewBody(View, frozen=True, kw_only=True, forbid_unknown_fields=True):
    center: tuple[Longitude, Latitude]
    zoom: Annotated[float, Meta(ge=0, le=24)]
    colouring: Literal["queue", "speed"]
    hidden: Annotated[tuple[Layer, ...], Meta(max_length=20, description="layers that are not shown")] = ()


class SavedView(SavedViewBody, frozen=True, kw_only=True):
    view: Annotated[str, Meta(description="its name")]


class SavedViewList(View, frozen=True, kw_only=True):
    items: Sequence[SavedView]
