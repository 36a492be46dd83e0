"""The AsyncAPI document."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import msgspec
import pytest
from jsonschema import Draft202012Validator

from citybrain import asyncapi, codec, fields, messages, topics
from citybrain.calibration import Calibration, CountingLine
from citybrain.messages import (
    Binding,
    CameraCalibration,
    CommandAck,
    EmergencyClass,
    GivenUp,
    IngestAck,
    LaneFlow,
    LaneOutlook,
    Message,
    MovementFlow,
    OrderKind,
    Outflow,
    PlannedPhase,
    PriorityCancel,
    PriorityLeg,
    PriorityPosition,
    PriorityProgress,
    PriorityRequest,
    PriorityState,
    PriorityStatus,
    SensorObservation,
    SignalCommand,
    SignalOrder,
    SignalReasons,
)
from tests.fixtures import command as street

DOCUMENT = asyncapi.document("testsite")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

EXAMPLES: tuple[Message, ...] = (
    street.measurement(1),
    street.count(1, NOW),
    street.state(1),
    SignalCommand(
        at=NOW, device="traffic/1", boot=1, seq=1, intersection="a", phase=1, expires_at=NOW, reason="queue"
    ),
    CommandAck(
        at=NOW, device="signal/a", boot=1, seq=2, intersection="a", command_device="traffic/1",
        command_boot=1, command_seq=1, phase=1, issued_at=NOW, accepted=True,
    ),
    SensorObservation(at=NOW, device="sensor/w", boot=1, seq=1, datastream="air", value=12.5, unit="ug/m3"),
    street.event(1),
    street.config(),
    street.network()[0],
    PriorityRequest(
        at=NOW, request="trip-1", emergency=EmergencyClass.FIRE, path=[PriorityLeg("a", [0, 2], 120.0, 9.5)],
        expires_at=NOW,
    ),
    PriorityPosition(at=NOW, request="trip-1", travelled_m=80.5, speed_mps=15.0, lane="north_0"),
    PriorityCancel(at=NOW, request="trip-1", reason="called back"),
    PriorityStatus(
        at=NOW, request="trip-1", device="traffic/region-0", state=PriorityState.GRANTED,
        legs=[PriorityProgress("a", PriorityState.GRANTED, 3.5)],
    ),
    Outflow(
        at=NOW, device="traffic/region-0", intersection="a", is_planned=True,
        movements=[MovementFlow(0, 0.5, [(3, 1.0), (5, 0.25)])], lanes=[LaneFlow("north_0", 4, 0.125)],
    ),
    CameraCalibration(
        at=NOW, camera="gate", calibration=Calibration(lines=[CountingLine("stop", (0.2, 0.8), (0.8, 0.8))]),
    ),
    SignalReasons(
        at=NOW, device="traffic/region-0", intersection="a", phase=1, binding=Binding.PLAN, detail="extend",
        plan=[PlannedPhase(1, 0.0), PlannedPhase(0, 12.0)], lanes=[LaneOutlook("north_0", 4.0, 9.0)],
    ),
    SignalOrder(
        at=NOW, intersection="a", order="order-1", kind=OrderKind.HOLD, phase=1, starts_at=NOW, expires_at=NOW
    ),
    street.status(),
    IngestAck(at=NOW, device="signal/a", boot=1, seq=7),
    GivenUp(at=NOW, device="signal/a", boot=1, first=3, last=5, reason="spool full"),
    street.frame(1),
)  # fmt: skip


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def resolve(reference: str) -> Any:
    assert reference.startswith("#/")
    node: Any = DOCUMENT
    for part in reference[2:].split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere() -> None:
    found = set(refs(DOCUMENT))
    assert len(found) > 30
    for reference in found:
        assert resolve(reference) is not None


def test_it_is_asyncapi_3_with_its_required_parts() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for channel in DOCUMENT["channels"].values():
        assert channel["address"]
        for name in channel["parameters"]:
            assert f"{{{name}}}" in channel["address"]
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = resolve(operation["channel"]["$ref"])
        assert {resolve(m["$ref"])["$ref"] for m in operation["messages"]} == {
            m["$ref"] for m in channel["messages"].values()
        }


def test_every_message_type_travels_on_a_channel() -> None:
    carried = {name for channel in DOCUMENT["channels"].values() for name in channel["messages"]}
    assert carried == {type_.__name__ for type_ in messages.MESSAGE_TYPES}
    assert DOCUMENT["components"]["messages"].keys() == carried


def test_every_address_is_a_topic() -> None:
    values = {"site": "testsite", "id": "a.1", "part": "3"}
    for channel in DOCUMENT["channels"].values():
        kinds = fields.DEVICE_KINDS if "{kind}" in channel["address"] else ("",)
        for kind in kinds:
            topic = channel["address"].format(**values, kind=kind)
            assert str(topics.parse(topic)) == topic


def test_each_type_has_an_example_here() -> None:
    assert {type(example) for example in EXAMPLES} == set(messages.MESSAGE_TYPES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_what_we_send_is_valid_by_the_document(example: Message) -> None:
    payload = DOCUMENT["components"]["messages"][type(example).__name__]["payload"]
    schema = {"$ref": payload["$ref"], "components": DOCUMENT["components"]}
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    wire = msgspec.json.decode(codec.encode(example))
    validator.validate(wire)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**wire, "colour": "blue"})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({name: value for name, value in wire.items() if name != "at"})
