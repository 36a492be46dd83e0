"""Topics: `<site>/v1/<kind>/<id>/<what>`, built and parsed in one place, bad ids refused.

What flows where (QoS 1 unless said):

    camera/<id>/frame       edge camera -> vision; QoS 0
    camera/<id>/picture     vision -> command: blurred JPEG with boxes; QoS 0
    camera/<id>/measurement vision -> ingest, command: counts, lanes, zones
    camera/<id>/calibration command -> vision: lanes, lines, zones, ground points; retained
    lanes/<id>/measurement  edge lane observer -> traffic, ingest, command
    signal/<id>/config      edge signal agent -> traffic, ingest; retained
    signal/<id>/state       edge signal agent -> traffic, ingest, command
    signal/<id>/command     traffic -> edge signal agent, ingest; never retained
    signal/<id>/answer      edge signal agent -> ingest, traffic: command acknowledgements
    signal/<id>/outflow     traffic -> traffic's other regions; QoS 0, never stored
    signal/<id>/reasons     traffic -> command: why it wants a phase; QoS 0, never stored
    signal/<id>/order       command -> traffic: what a person wants of it for some minutes; never stored
    sensor/<id>/observation edge sensor -> ingest
    priority/<request>/request, position, cancel   dispatch, command or the vehicle -> traffic; never stored
    priority/<request>/grant                       traffic -> whoever asked, command
    network/<id>/part<n>    owner of the road network -> ingest; retained
    <kind>/<id>/event       whoever saw it -> ingest, command
    <kind>/<id>/status      every agent and service; retained; also the last will
    <kind>/<id>/ack         ingest -> the agent: committed up to here
    <kind>/<id>/gap         the agent -> ingest: messages that its disk gave up
"""

import re
from typing import NamedTuple

from citybrain.errors import ContractError
from citybrain.fields import DEVICE_KINDS

VERSION = "v1"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_WHAT = re.compile(
    r"frame|picture|measurement|config|state|command|answer|observation|event|status|ack|gap|part[1-9][0-9]{0,3}|"
    r"request|position|cancel|grant|outflow|reasons|order|calibration",
    re.ASCII,
)


class Topic(NamedTuple):
    """A parsed topic."""

    site: str
    kind: str
    id: str
    what: str

    def __str__(self) -> str:
        return f"{self.site}/{VERSION}/{self.kind}/{self.id}/{self.what}"

    @property
    def device(self) -> str:
        """`kind/id`, as messages name their sender."""
        return f"{self.kind}/{self.id}"


def check_id(value: str, field: str = "id") -> str:
    """`value`, if it may stand in a topic.

    Raises:
        ContractError: empty, longer than 64, or with a character other than A-Z a-z 0-9 _ . -
    """
    if not _ID.fullmatch(value):
        raise ContractError(
            f"{value[:80]!r} is not an id: 1 to 64 of A-Z a-z 0-9 _ . -, a letter or digit first",
            field,
        )
    return value


def build(site: str, kind: str, id_: str, what: str) -> str:
    """The topic; raises ContractError naming the part that is wrong."""
    if kind not in DEVICE_KINDS:
        raise ContractError(f"{kind[:80]!r} is not one of {', '.join(DEVICE_KINDS)}", "kind")
    if not _WHAT.fullmatch(what):
        raise ContractError(f"{what[:80]!r} is not a known last level", "what")
    return str(Topic(check_id(site, "site"), kind, check_id(id_), what))


def for_device(site: str, device: str, what: str) -> str:
    """The topic of `device` (`kind/id`)."""
    kind, _, id_ = device.partition("/")
    return build(site, kind, id_, what)


def parse(topic: str) -> Topic:
    """The parts of a topic; raises ContractError naming the part that is wrong."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[1] != VERSION:
        raise ContractError(f"{topic[:200]!r} is not <site>/{VERSION}/<kind>/<id>/<what>", "topic")
    site, _, kind, id_, what = parts
    build(site, kind, id_, what)
    return Topic(site, kind, id_, what)


def matching(site: str, kind: str = "+", id_: str = "+", what: str = "+", *, group: str = "") -> str:
    """A subscription filter; with `group`, a shared one (each message to one member only)."""
    filter_ = f"{site}/{VERSION}/{kind}/{id_}/{what}"
    return f"$share/{group}/{filter_}" if group else filter_
