"""Rights: which topics each device and service may publish and hear; everything else is refused.

A device speaks and hears on its own topics only. A service has what its room needs, and no more. The broker's
access control list is written from this table, whatever the broker.
"""

from typing import NamedTuple

from citybrain import topics
from citybrain.errors import ContractError

MOST_WORKERS = 64
"""Ingest workers on one machine; each says how it is on a topic of its own."""

SERVICE_KINDS = ("service", "vision", "traffic")
"""Kinds that run in the data centre and speak about others; all other kinds stand in the street."""

# kind: (last levels it publishes under its own name, last levels it hears there)
OWN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "camera": (("frame", "gap", "status"), ("ack",)),
    "signal": (("config", "state", "answer", "event", "gap", "status"), ("command", "ack")),
    "lanes": (("measurement", "event", "gap", "status"), ("ack",)),
    "sensor": (("observation", "event", "gap", "status"), ("ack",)),
    # MQTT has no filter for `part<n>`: the owner of a network may use all levels below its own id.
    "network": (("+",), ("ack",)),
    "priority": (("request", "position", "cancel", "gap", "status"), ("grant", "ack")),
    "vision": (("event", "gap", "status"), ("ack",)),
    "traffic": (("event", "gap", "status"), ("ack",)),
    "service": (("event", "gap", "status"), ("ack",)),
}
ANALYSES = ("measurement", "event")
"""What `vision` says on a camera's topics, and the camera itself where it counts on board."""

Pairs = tuple[tuple[str, str], ...]
"""kind and last level, each of any id"""

VISION: tuple[Pairs, Pairs] = (
    (("camera", "measurement"), ("camera", "picture"), ("camera", "event")),
    (("camera", "frame"), ("camera", "status"), ("camera", "calibration")),
)
TRAFFIC: tuple[Pairs, Pairs] = (
    (("signal", "command"), ("signal", "outflow"), ("signal", "reasons"), ("priority", "grant")),
    (
        ("signal", "config"), ("signal", "state"), ("signal", "answer"), ("signal", "outflow"),
        ("signal", "order"), ("lanes", "measurement"),
        ("priority", "request"), ("priority", "position"), ("priority", "cancel"),
    ),
)  # fmt: skip
# service: (what it publishes about others, what it hears of others)
SERVICES: dict[str, tuple[Pairs, Pairs]] = {
    "ingest": ((("+", "ack"),), (("+", "+"),)),
    # Its agents on Ray use the service's certificate unless each is given one of its own.
    "vision": (
        (*VISION[0], ("vision", "event"), ("vision", "gap"), ("vision", "status")),
        (*VISION[1], ("vision", "ack")),
    ),
    "traffic": (
        (*TRAFFIC[0], ("traffic", "event"), ("traffic", "gap"), ("traffic", "status")),
        (*TRAFFIC[1], ("traffic", "ack")),
    ),
    # It asks for the green waves of calls that a dispatch system tells it of, and tells orders of people.
    "command": (
        (
            ("camera", "calibration"), ("signal", "order"),
            ("priority", "request"), ("priority", "position"), ("priority", "cancel"),
        ),
        (
            ("signal", "config"), ("signal", "state"), ("signal", "command"), ("signal", "answer"),
            ("signal", "reasons"),
            ("lanes", "measurement"), ("camera", "measurement"), ("vision", "measurement"),
            ("camera", "picture"), ("network", "+"), ("priority", "grant"), ("+", "event"), ("+", "status"),
        ),
    ),
    "dispatch": (
        (("priority", "request"), ("priority", "position"), ("priority", "cancel")),
        (("priority", "grant"),),
    ),
    # The simulated street owns its road network.
    "street": ((("network", "+"),), ()),
    # `citybrain status` and `citybrain doctor`.
    "operator": ((), (("+", "status"),)),
}  # fmt: skip


class Rights(NamedTuple):
    """Topic filters that a client may publish to and hear from."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def check_name(name: str) -> tuple[str, str]:
    """Kind and id of a device's name, `kind/id`.

    Raises:
        ContractError: no such kind, or an id that may not stand in a topic.
    """
    kind, slash, id_ = name.partition("/")
    if not slash:
        raise ContractError(f"{name[:80]!r} is not kind/id, for example camera/gate", "name")
    topics.build("site", kind, id_, "status")
    return kind, id_


def rights_of(site: str, name: str, *, analyses: bool = False) -> Rights:
    """What the device or service `name` may do; `analyses`: a camera that counts by itself.

    Raises:
        ContractError: `name` is not a device's name.
    """
    kind, id_ = check_name(name)
    says, hears = OWN[kind]
    publish = [_filter(site, kind, id_, what) for what in says]
    subscribe = [_filter(site, kind, id_, what) for what in hears]
    if kind == "camera" and analyses:
        publish += [_filter(site, kind, id_, what) for what in ANALYSES]
    if kind == "service" and id_ == "ingest":
        publish += [
            _filter(site, kind, f"ingest-{worker}", "status") for worker in range(2, MOST_WORKERS + 1)
        ]
    others = {"vision": VISION, "traffic": TRAFFIC}.get(kind) or SERVICES.get(
        id_ if kind == "service" else ""
    )
    if others is not None:
        publish += [_filter(site, kind_, "+", what) for kind_, what in others[0]]
        subscribe += [_filter(site, kind_, "+", what) for kind_, what in others[1]]
    return Rights(tuple(dict.fromkeys(publish)), tuple(dict.fromkeys(subscribe)))


def _filter(site: str, kind: str, id_: str, what: str) -> str:
    return topics.matching(site, kind, id_, what)
