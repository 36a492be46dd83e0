"""The AsyncAPI 3.0 document of the MQTT side, generated from the message types and topics themselves."""

from dataclasses import dataclass
from typing import Any

import msgspec

from citybrain import __version__, codec, fields, messages, topics

REF = "#/components/schemas/{name}"
FRAME_TYPE = "application/vnd.citybrain.frame"


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic: its two inner levels, what travels on it, from whom to whom."""

    name: str
    kind: str
    what: str
    carries: tuple[type[messages.Message], ...]
    about: str
    qos: int = 1
    retain: bool = False

    @property
    def address(self) -> str:
        return f"{{site}}/{topics.VERSION}/{self.kind}/{{id}}/{self.what}"


CHANNELS = (
    Channel("cameraFrame", "camera", "frame", (messages.FrameMeta,), "Captured frames, edge to vision.", 0),
    Channel(
        "cameraPicture",
        "camera",
        "picture",
        (messages.FrameMeta,),
        "Blurred pictures with boxes, vision to command.",
        0,
    ),
    Channel(
        "cameraMeasurement",
        "camera",
        "measurement",
        (messages.TurningCount, messages.LaneMeasurement, messages.SensorObservation),
        "What vision measured, to ingest and command.",
    ),
    Channel(
        "cameraCalibration",
        "camera",
        "calibration",
        (messages.CameraCalibration,),
        "What was drawn over a camera's picture, command to vision.",
        retain=True,
    ),
    Channel(
        "lanesMeasurement",
        "lanes",
        "measurement",
        (messages.LaneMeasurement,),
        "What a lane observer measured, to traffic, ingest and command.",
    ),
    Channel(
        "signalConfig",
        "signal",
        "config",
        (messages.IntersectionConfig,),
        "What a signal controller knows of itself.",
        retain=True,
    ),
    Channel(
        "signalState", "signal", "state", (messages.SignalState,), "What a signal shows, on each change."
    ),
    Channel(
        "signalCommand",
        "signal",
        "command",
        (messages.SignalCommand,),
        "Orders from traffic; the edge judges them, and they are never retained.",
    ),
    Channel("signalAnswer", "signal", "answer", (messages.CommandAck,), "The edge's answer to each order."),
    Channel(
        "signalOutflow",
        "signal",
        "outflow",
        (messages.Outflow,),
        "What a region tells other regions of an intersection on its border; never stored.",
        0,
    ),
    Channel(
        "signalReasons",
        "signal",
        "reasons",
        (messages.SignalReasons,),
        "Why a region wants a phase, what follows, and when queues clear; never stored.",
        0,
    ),
    Channel(
        "signalOrder",
        "signal",
        "order",
        (messages.SignalOrder,),
        "What a person wants of a signal for some minutes, to traffic; sent again while it lasts.",
    ),
    Channel("sensorObservation", "sensor", "observation", (messages.SensorObservation,), "Sensor values."),
    Channel(
        "priorityRequest",
        "priority",
        "request",
        (messages.PriorityRequest,),
        "A vehicle asks traffic for a green wave; sent again while it lasts, never stored.",
    ),
    Channel(
        "priorityPosition",
        "priority",
        "position",
        (messages.PriorityPosition,),
        "Where it is, once a second; never stored.",
        0,
    ),
    Channel("priorityCancel", "priority", "cancel", (messages.PriorityCancel,), "It needs no more priority."),
    Channel(
        "priorityGrant",
        "priority",
        "grant",
        (messages.PriorityStatus,),
        "How each region answers a request.",
    ),
    Channel(
        "networkPart",
        "network",
        "part{part}",
        (messages.RoadNetwork,),
        "The road network, in numbered parts of one version.",
        retain=True,
    ),
    Channel("event", "{kind}", "event", (messages.TrafficEvent,), "What happened, from whoever saw it."),
    Channel(
        "status",
        "{kind}",
        "status",
        (messages.AgentStatus,),
        "Birth, health and last will of every agent and service.",
        retain=True,
    ),
    Channel(
        "ack",
        "{kind}",
        "ack",
        (messages.IngestAck,),
        "Up to where ingest has committed; the agent may delete.",
    ),
    Channel(
        "gap",
        "{kind}",
        "gap",
        (messages.GivenUp,),
        "Messages that the agent's disk gave up: ingest takes their numbers for settled.",
    ),
)

PARAMETERS: dict[str, dict[str, Any]] = {
    "site": {"description": "The site's name, an id."},
    "id": {"description": "1 to 64 of A-Z a-z 0-9 _ . -, a letter or digit first."},
    "kind": {"description": "The kind of device.", "enum": list(fields.DEVICE_KINDS)},
    "part": {"description": "1 to 9999."},
}


def document(site: str = "city", broker_host: str = "127.0.0.1:1883") -> dict[str, Any]:
    """The whole document for one site; JSON-ready."""
    _, schemas = msgspec.json.schema_components(messages.MESSAGE_TYPES, ref_template=REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "City Brain over MQTT",
            "version": __version__,
            "description": messages.__doc__,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {"host": broker_host, "protocol": "mqtt", "description": "MQTT 3.1.1, any broker."}
        },
        "channels": {channel.name: _channel(channel, site) for channel in CHANNELS},
        "operations": {f"publish-{channel.name}": _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {type_.__name__: _message(type_) for type_ in messages.MESSAGE_TYPES},
            "schemas": schemas,
        },
    }


def _channel(channel: Channel, site: str) -> dict[str, Any]:
    parameters = {name: dict(text) for name, text in PARAMETERS.items() if f"{{{name}}}" in channel.address}
    parameters["site"]["default"] = site
    return {
        "address": channel.address,
        "description": channel.about,
        "parameters": parameters,
        "messages": {
            type_.__name__: {"$ref": f"#/components/messages/{type_.__name__}"} for type_ in channel.carries
        },
    }


def _operation(channel: Channel) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": [
            {"$ref": f"#/channels/{channel.name}/messages/{type_.__name__}"} for type_ in channel.carries
        ],
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain, "bindingVersion": "0.2.0"}},
    }


def _message(type_: type[messages.Message]) -> dict[str, Any]:
    summary = (type_.__doc__ or "").strip().splitlines()[0]
    described: dict[str, Any] = {
        "name": str(type_.__struct_config__.tag),
        "title": type_.__name__,
        "summary": summary,
        "contentType": "application/json",
        "payload": {"$ref": REF.format(name=type_.__name__)},
    }
    if type_ is messages.FrameMeta:
        described["contentType"] = FRAME_TYPE
        described["description"] = (
            f"Binary: {codec.pack_frame.__doc__} The payload described here is the metadata."
        )
    return described
