"""The gate: what may be stored, and who may say what on which topic. Pure: bytes in, verdict out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec

from citybrain.codec import MAX_MESSAGE_BYTES, decode
from citybrain.errors import ContractError
from citybrain.fields import Boot, DeviceId, Seq
from citybrain.messages import (
    AgentStatus,
    CommandAck,
    GivenUp,
    IntersectionConfig,
    LaneMeasurement,
    RoadNetwork,
    SensorObservation,
    SignalCommand,
    SignalState,
    Stored,
    StoredMessage,
    TrafficEvent,
    TurningCount,
)
from citybrain.topics import Topic, parse
from ingest.arrival import Arrival

STORED_KINDS = ("measurement", "state", "command", "answer", "observation", "event")
"""Last levels that workers share."""
SHARED_KINDS = (*STORED_KINDS, "gap")
"""The same, and what is not stored itself."""
RETAINED_KINDS = ("config", "status")
"""Last levels whose retained messages are wanted too; `part<n>` is one as well."""

MAX_GIVEN_UP = 1_000_000_000
Key = tuple[str, int, int]
"""device, boot, seq"""

MAX_BYTES = {
    "command": 8_192, "answer": 8_192, "state": 8_192, "observation": 8_192,
    "event": 65_536, "status": 65_536,
}  # fmt: skip
"""Of a payload by the topic's last level; any other may have `MAX_MESSAGE_BYTES`."""
OTHER_TIMES = ("start_at", "end_at", "issued_at", "started_at")
"""Times beside `at` that lie in the past, so that one far ahead is a fault."""

_TYPES: dict[str, tuple[type[object], ...]] = {
    "measurement": (LaneMeasurement, TurningCount, SensorObservation),
    "state": (SignalState,),
    "command": (SignalCommand,),
    "answer": (CommandAck,),
    "observation": (SensorObservation,),
    "event": (TrafficEvent,),
    "config": (IntersectionConfig,),
    "part": (RoadNetwork,),
    "status": (AgentStatus,),
    "gap": (GivenUp,),
}


class _Numbers(msgspec.Struct):
    """What can still be read of a message that breaks its contract."""

    device: DeviceId
    boot: Boot
    seq: Seq


_parse = lru_cache(maxsize=65_536)(parse)
"""Devices use the same topics again and again."""
_numbers = msgspec.json.Decoder(_Numbers)


class Admitted(NamedTuple):
    """A numbered message that may be stored."""

    arrival: Arrival
    message: StoredMessage

    @property
    def key(self) -> Key:
        return self.message.device, self.message.boot, self.message.seq


@dataclass(frozen=True, slots=True)
class Status:
    """An agent's status: not numbered, the latest wins."""

    message: AgentStatus


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that their device will never send."""

    message: GivenUp


@dataclass(frozen=True, slots=True)
class Cleared:
    """An empty payload: somebody took a retained message back; nothing to store."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A dead letter; its `key`, where an honest sender's can be read, counts as settled."""

    arrival: Arrival
    reason: str
    field: str
    key: Key | None = None


Verdict = Admitted | Status | Gap | Cleared | Refused


@dataclass(frozen=True, slots=True)
class Window:
    """The times of capture that are believed."""

    past: timedelta
    future: timedelta
    past_of: Mapping[type[object], timedelta] = field(default_factory=dict)
    """For types of message that are kept shorter or longer than the others."""

    def check(self, message: Stored | AgentStatus, now: datetime) -> None:
        """Raise ContractError for a time outside; what is retained may be of any age."""
        if message.at > now + self.future:
            ahead = (message.at - now).total_seconds()
            raise ContractError(
                f"{ahead:.0f} s in the future, at most {self.future.total_seconds():.0f} s are allowed",
                "$.at",
            )
        if message.boot > (now + self.future).timestamp() * 1000:
            raise ContractError("the device started in the future, by its boot number", "$.boot")
        for name in OTHER_TIMES:
            other = getattr(message, name, None)
            if other is not None and other > now + self.future:
                raise ContractError("in the future", f"$.{name}")
        keeps = not isinstance(message, AgentStatus | IntersectionConfig | RoadNetwork)
        past = self.past_of.get(type(message), self.past)
        if keeps and message.at < now - past:
            raise ContractError(f"older than the {past.days} days that are taken", "$.at")


def admit(arrival: Arrival, window: Window, now: datetime) -> Verdict:
    """Decode a message and check it against its topic and the clock; never raises."""
    topic: Topic | None = None
    try:
        topic = _parse(arrival.topic)
        if not arrival.payload:
            return Cleared()
        _check_size(topic, arrival.payload)
        message = decode(arrival.payload)
        _check_type(topic, message)
        _check_sender(topic, message)
        if isinstance(message, GivenUp):
            _check_span(message)
            return Gap(message)
        assert isinstance(message, Stored | AgentStatus)
        window.check(message, now)
    except ContractError as error:
        return Refused(arrival, error.reason, error.field, topic and _honest_key(topic, arrival.payload))
    if isinstance(message, AgentStatus):
        return Status(message)
    return Admitted(arrival, message)


def may_send(topic: Topic, device: str) -> bool:
    """Whether a device may publish on a topic: its own, and where another speaks about this one."""
    if topic.what == "command":
        return topic.kind == "signal" and device.startswith("traffic/")
    if topic.kind == "camera" and topic.what in {"measurement", "event"} and device.startswith("vision/"):
        return True
    return device == topic.device


def owner(topic: str) -> str:
    """Whose topic this is, `kind/id`; "" where it is nobody's, or a service speaks there to the device."""
    parts = topic.split("/")
    return f"{parts[2]}/{parts[3]}" if len(parts) == 5 and parts[4] != "command" else ""


def _check_size(topic: Topic, payload: bytes) -> None:
    most = MAX_BYTES.get(topic.what, MAX_MESSAGE_BYTES)
    if len(payload) > most:
        raise ContractError(f"message of {len(payload)} bytes, at most {most} are allowed on {topic.what}")


def _check_type(topic: Topic, message: object) -> None:
    what = "part" if topic.what.startswith("part") else topic.what
    allowed = _TYPES.get(what, ())
    if not isinstance(message, allowed):
        kind = type(message).__name__
        raise ContractError(f"{kind} does not belong on a topic that ends in {topic.what}", "$.type")


def _check_sender(topic: Topic, message: object) -> None:
    device = getattr(message, "device", "")
    if not may_send(topic, device):
        raise ContractError(f"{device} may not publish on {topic}", "$.device")
    wrong = ""
    if topic.kind == "signal" and getattr(message, "intersection", topic.id) not in {topic.id, None}:
        wrong = "intersection"
    if topic.kind == "camera" and getattr(message, "camera", topic.id) not in {topic.id, None}:
        wrong = "camera"
    if wrong:
        raise ContractError(f"{getattr(message, wrong)!r} is not the {topic.id!r} of the topic", f"$.{wrong}")
    if isinstance(message, TurningCount) and message.end_at < message.start_at:
        raise ContractError("the period ends before it starts", "$.end_at")
    if isinstance(message, RoadNetwork) and (
        topic.what != f"part{message.part}" or message.part > message.parts
    ):
        raise ContractError(f"part {message.part} of {message.parts} on {topic.what}", "$.part")


def _check_span(message: GivenUp) -> None:
    if message.last < message.first:
        raise ContractError("the span ends before it starts", "$.last")
    if message.last - message.first >= MAX_GIVEN_UP:
        raise ContractError(f"more than {MAX_GIVEN_UP} messages are given up at once", "$.last")


def _honest_key(topic: Topic, payload: bytes) -> Key | None:
    """The numbers of a refused message, if its sender may use the topic: nobody settles another's."""
    try:
        numbers = _numbers.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not may_send(topic, numbers.device):
        return None
    return numbers.device, numbers.boot, numbers.seq
