"""Constrained field types of the message contract: what a value may be, told once."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

DEVICE_KINDS = ("camera", "signal", "lanes", "sensor", "vision", "traffic", "network", "service", "priority")

DeviceId = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join(DEVICE_KINDS)})/[A-Za-z0-9][A-Za-z0-9_.-]{{0,63}}$",
        max_length=80,
        description="kind/id of the agent that numbered this message",
    ),
]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
LaneId = Annotated[
    str, Meta(pattern=r"^[^\x00-\x20\x7f]{1,128}$", description="a lane's id in its road network")
]
PlanSecond = Annotated[int, Meta(ge=0, lt=600, description="seconds after the instant of the plan")]
PlanVehicles = Annotated[float, Meta(ge=0, le=100, description="expected vehicles in that second")]
Text = Annotated[str, Meta(max_length=500)]
Instant = Annotated[datetime, Meta(tz=True)]
Boot = Annotated[int, Meta(ge=1, le=2**53, description="milliseconds since 1970 when the device started")]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Metres = Annotated[float, Meta(ge=0, le=100_000)]
Speed = Annotated[float, Meta(ge=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
LonLat = tuple[Longitude, Latitude]
Path = Annotated[list[LonLat], Meta(min_length=2, max_length=5_000)]
Indications = Annotated[
    str,
    Meta(
        pattern=r"^[GgyrsuoO]{1,256}$",
        description="one character a movement: G protected green, g permissive green, y yellow, r red, "
        "o flashing yellow, O dark",
    ),
]
