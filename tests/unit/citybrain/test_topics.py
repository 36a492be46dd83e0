"""Topics are built and parsed in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain import topics
from citybrain.errors import ContractError
from citybrain.fields import DEVICE_KINDS

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)


@given(ids, st.sampled_from(DEVICE_KINDS), ids)
def test_what_is_built_is_parsed_to_its_parts(site: str, kind: str, id_: str) -> None:
    topic = topics.parse(topics.build(site, kind, id_, "event"))
    assert (topic.site, topic.kind, topic.id, topic.what) == (site, kind, id_, "event")
    assert topic.device == f"{kind}/{id_}"


@pytest.mark.parametrize("bad", ["", "a/b", "+", "#", "a b", "ä", "x" * 65, ".hidden", "a\n", "\x00"])
def test_bad_ids_are_refused(bad: str) -> None:
    with pytest.raises(ContractError):
        topics.build("city", "signal", bad, "state")
    with pytest.raises(ContractError):
        topics.parse(f"city/v1/signal/{bad}/state")


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_with_a_contract_error(text: str) -> None:
    try:
        topic = topics.parse(text)
    except ContractError as error:
        refused = error.field
    else:
        refused = ""
        assert str(topic) == text
    assert refused or text


def test_the_wrong_part_is_named() -> None:
    for topic, field in (
        ("city/v2/signal/1/state", "topic"),
        ("city/v1/toaster/1/state", "kind"),
        ("city/v1/signal/1/secrets", "what"),
        ("ci ty/v1/signal/1/state", "site"),
    ):
        with pytest.raises(ContractError) as caught:
            topics.parse(topic)
        assert caught.value.field == field


def test_filters_can_be_shared() -> None:
    assert topics.matching("city", what="state") == "city/v1/+/+/state"
    assert topics.matching("city", group="ingest") == "$share/ingest/city/v1/+/+/+"
