"""Rights cover what is documented to travel, and give nobody another's topics."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from citybrain import asyncapi
from citybrain.errors import ContractError
from citybrain.fields import DEVICE_KINDS
from citybrain.identity import emqx, mosquitto
from citybrain.identity.rights import OWN, SERVICE_KINDS, SERVICES, rights_of

IDS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,20}\Z")
STREET_KINDS = [kind for kind in DEVICE_KINDS if kind not in SERVICE_KINDS]


def matches(filters: tuple[str, ...], topic: str) -> bool:
    return any(topic_matches_sub(filter_, topic) for filter_ in filters)


def test_every_kind_of_device_has_rights() -> None:
    assert set(OWN) == set(DEVICE_KINDS)


@pytest.mark.parametrize("channel", asyncapi.CHANNELS, ids=lambda channel: channel.name)
def test_every_documented_topic_can_be_said_and_heard_by_somebody(channel: asyncapi.Channel) -> None:
    everybody = [rights_of("city", f"{kind}/a", analyses=True) for kind in DEVICE_KINDS]
    everybody += [rights_of("city", f"service/{name}") for name in SERVICES]
    what = channel.what.replace("{part}", "1")
    for kind in DEVICE_KINDS if channel.kind == "{kind}" else [channel.kind]:
        topic = f"city/v1/{kind}/a/{what}"
        assert any(matches(rights.subscribe, topic) for rights in everybody), f"nobody hears {topic}"
        if what == "event" and kind in {"network", "priority"}:
            continue  # they see nothing
        assert any(matches(rights.publish, topic) for rights in everybody), f"nobody says {topic}"


@given(
    st.sampled_from(STREET_KINDS), IDS, IDS, st.sampled_from(DEVICE_KINDS), st.text("abcdefgh", min_size=1)
)
def test_a_device_in_the_street_reaches_no_topic_of_another(
    kind: str, own: str, other: str, other_kind: str, what: str
) -> None:
    rights = rights_of("city", f"{kind}/{own}", analyses=True)
    if (kind, own) != (other_kind, other):
        topic = f"city/v1/{other_kind}/{other}/{what}"
        assert not matches(rights.publish + rights.subscribe, topic)
    assert all(filter_.startswith(f"city/v1/{kind}/{own}/") for filter_ in rights.publish + rights.subscribe)


@pytest.mark.parametrize(
    "name", ["camera", "camera/", "/x", "camera/a/b", "camera/+", "camera/#", "tree/a", "camera/a b"]
)
def test_a_name_that_could_mean_more_than_one_device_is_refused(name: str) -> None:
    with pytest.raises(ContractError):
        rights_of("city", name)


def test_the_lists_of_both_brokers_say_the_same() -> None:
    rights = [(name, rights_of("city", name)) for name in ("camera/a", "service/traffic", "network/n")]
    ours: dict[str, set[str]] = {}
    for line in mosquitto.access_list(rights).splitlines():
        if line.startswith("user "):
            user = line.removeprefix("user ")
        elif line.startswith("topic "):
            _, way, filter_ = line.split()
            ours.setdefault(f"{user} {way}", set()).add(filter_)
    theirs: dict[str, set[str]] = {}
    for name, action, filters in re.findall(
        r'\{allow, \{username, "(.+?)"\}, (\w+), \[(.*?)\]\}\.', emqx.rules(rights)
    ):
        way = "write" if action == "publish" else "read"
        theirs[f"{name} {way}"] = set(re.findall(r'"(.+?)"', filters))
    assert ours == theirs
    assert emqx.rules(rights).endswith("{deny, all}.\n")
