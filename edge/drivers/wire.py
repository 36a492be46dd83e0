"""What agents and the simulated street say to each other: JSON objects, one a line, over TCP.

The agent says `hello` once; the street answers `welcome`, `listing` or `refused`, and then sends a `tick`
each step. A signal's agent answers each tick with `show`.
"""

from enum import StrEnum

import msgspec

from citybrain.errors import ContractError
from citybrain.fields import Indications
from citybrain.messages import IntersectionConfig, RoadUser

MAX_LINE_BYTES = 4_000_000
ROAD_USERS = tuple(RoadUser)


class Role(StrEnum):
    SIGNAL = "signal"
    LANES = "lanes"
    LIST = "list"


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    role: Role
    intersection: str = ""


class Show(msgspec.Struct, frozen=True, tag="show"):
    indications: Indications


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    config: IntersectionConfig
    clock_s: float
    indications: str
    run: int
    views: dict[str, float] = {}
    """Metres seen before the stop line, by lane."""


class Listing(msgspec.Struct, frozen=True, tag="listing"):
    intersections: list[str]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    reason: str


class Vehicle(msgspec.Struct, frozen=True, array_like=True):
    tag: int
    distance_m: float
    speed_mps: float
    length_m: float
    road_user: int
    """Index into `ROAD_USERS`."""


class Tick(msgspec.Struct, frozen=True, tag="tick"):
    clock_s: float
    indications: str
    run: int
    lanes: dict[str, list[Vehicle]] = {}


FromAgent = Hello | Show
FromStreet = Welcome | Listing | Refused | Tick

_encoder = msgspec.json.Encoder()
_agent_decoder: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)
_street_decoder: msgspec.json.Decoder[FromStreet] = msgspec.json.Decoder(FromStreet)


def line(message: FromAgent | FromStreet) -> bytes:
    """The message and a newline."""
    return _encoder.encode(message) + b"\n"


def from_agent(data: bytes) -> FromAgent:
    """What an agent said; raises ContractError."""
    try:
        return _agent_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(str(error)) from error


def from_street(data: bytes) -> FromStreet:
    """What the street said; raises ContractError."""
    try:
        return _street_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(str(error)) from error
