"""Open311 GeoReport v2 as its text says: XML and its JSON twin, from discovery to closed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import psycopg
import pytest

from citybrain import config
from command.principal import Role
from tests.fixtures import people
from tests.fixtures.cases import SPOT, Person, person, set_up
from tests.fixtures.command import Served, serving
from tests.fixtures.trust import own_settings

REQUEST = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
    "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime",
    "address", "address_id", "zipcode", "lat", "long", "media_url",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    with serving(own_settings(broker_url, dsn, cases=config.Cases(public_per_minute=1_000))) as found:
        yield found


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{served.url}/open311/v2", trust_env=False, timeout=20) as found:
        yield found


@pytest.fixture(scope="module")
def key(dsn: str) -> str:
    _, headers = people.account(dsn, Role.CITIZEN)
    return headers["authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def acceptor(served: Served, dsn: str) -> Iterator[Person]:
    with person(served, dsn, Role.ACCEPTOR) as found:
        yield found


def json(client: httpx.Client, path: str, **params: str) -> Any:
    answer = client.get(f"{path}.json", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return answer.json()


def xml(client: httpx.Client, path: str, **params: str) -> ET.Element:
    answer = client.get(f"{path}.xml", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b"<?xml")
    return ET.fromstring(answer.content)


def plain(node: ET.Element) -> Any:
    """An element as its twin in JSON, all values as texts."""
    children = list(node)
    if node.tag in {"services", "service_requests", "attributes", "values", "endpoints", "formats"}:
        return [plain(child) for child in children]
    return {child.tag: plain(child) for child in children} if children else node.text or ""


def texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner) for inner in value]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def report(client: httpx.Client, key: str, format_: str = "json", **given: str) -> httpx.Response:
    form = {"api_key": key, "service_code": "c02001", "lat": str(SPOT[1]), "long": str(SPOT[0])}
    return client.post(f"/requests.{format_}", data=form | given)


def test_discovery_tells_where_and_in_which_formats(client: httpx.Client) -> None:
    found = json(client, "/discovery")
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert (endpoint["url"], endpoint["type"]) == (str(client.base_url).rstrip("/"), "production")
    assert endpoint["formats"] == ["text/xml", "application/json"]
    root = xml(client, "/discovery")
    assert root.tag == "discovery"
    assert plain(root) == texts(found)


def test_services_are_a_list_at_the_top_and_twins(client: httpx.Client) -> None:
    found = json(client, "/services")
    assert isinstance(found, list)
    fields = {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
    assert {name for one in found for name in one} == fields
    assert all(one["type"] == "realtime" and isinstance(one["service_code"], str) for one in found)
    assert "c05001" not in [one["service_code"] for one in found], "cameras are nothing for the public"
    root = xml(client, "/services")
    assert root.tag == "services"
    assert {child.tag for child in root} == {"service"}
    assert plain(root) == texts(found)


def test_a_service_tells_its_attributes(client: httpx.Client) -> None:
    found = json(client, "/services/c02001")
    assert found["service_code"] == "c02001"
    (asked,) = [one for one in found["attributes"] if one["variable"]]
    assert (asked["code"], asked["datatype"], asked["required"]) == ("component", "string", False)
    assert [one["order"] for one in found["attributes"]] == [1, 2, 3]
    root = xml(client, "/services/c02001")
    assert root.tag == "service_definition"
    assert plain(root) == texts(found)


@pytest.mark.parametrize("format_", ["json", "xml"])
def test_a_request_is_told_as_it_was_sent(client: httpx.Client, key: str, format_: str) -> None:
    sent = report(
        client, key, format_, description="hole <deep> & wide \x01", address_string="Market Street 1",
        first_name="Ann", last_name="Miller", email="ann@example.org", phone="555 1234", account_id="7",
    )  # fmt: skip
    assert sent.status_code == 200
    if format_ == "json":
        (receipt,) = sent.json()
        id_ = receipt["service_request_id"]
    else:
        id_ = str(ET.fromstring(sent.content).findtext("request/service_request_id"))
    assert isinstance(id_, str)
    (found,) = json(client, f"/requests/{id_}")
    assert found.keys() == REQUEST
    assert (found["service_request_id"], found["status"], found["service_code"]) == (id_, "open", "c02001")
    assert found["description"].startswith("hole <deep> & wide")
    assert (found["lat"], found["long"], found["address"]) == (SPOT[1], SPOT[0], "Market Street 1")
    asked = datetime.fromisoformat(found["requested_datetime"])
    assert abs(datetime.now(UTC) - asked) < timedelta(minutes=5)
    root = xml(client, f"/requests/{id_}")
    assert root.tag == "service_requests"
    assert plain(root) == texts([found | {"description": found["description"].replace("\x01", "")}])
    for text in (ET.tostring(root, encoding="unicode"), str(found)):
        assert not any(private in text for private in ("Ann", "Miller", "example.org", "1234"))


def test_requests_are_filtered_by_id_class_status_and_time(
    client: httpx.Client, key: str, acceptor: Person, dsn: str
) -> None:
    ids = [
        report(client, key, service_code=code).json()[0]["service_request_id"]
        for code in ("c02001", "c04001")
    ]
    (pin,) = acceptor.get("/cases", number=ids[1])["items"]
    acceptor.post(f"/cases/{pin['id']}/dismissal", {"reason": "the tree stands"})

    def found(**asked: str) -> list[str]:
        return [one["service_request_id"] for one in json(client, "/requests", **asked)]

    assert set(found(service_request_id=",".join(ids))) == set(ids)
    assert ids[0] in found(status="open")
    assert ids[1] not in found(status="open")
    assert ids[1] in found(status="closed")
    assert set(ids) <= set(found(status="open,closed"))
    assert found(service_code="c04001") == [ids[1]]
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update city_case set created_at = now() - interval '91 days' where number = %s", [ids[0]]
        )
    assert ids[0] not in found()
    then = datetime.now(UTC) - timedelta(days=92)
    assert found(start_date=then.isoformat(timespec="seconds").replace("+00:00", "Z")) != []
    assert ids[0] in found(start_date=then.isoformat(timespec="seconds"))
    assert ids[0] in found(service_request_id=ids[0])
    assert {one["status"] for one in json(client, "/requests")} <= {"open", "closed"}


@pytest.mark.parametrize("format_", ["json", "xml"])
def test_what_is_wrong_is_told_as_a_georeport_error(client: httpx.Client, key: str, format_: str) -> None:
    answers = [
        (report(client, "", format_), 403), (report(client, "cbt_wrong", format_), 403),
        (report(client, key, format_, service_code="nothing"), 404),
        (report(client, key, format_, service_code=""), 400),
        (report(client, key, format_, lat="north"), 400), (report(client, key, format_, lat=""), 400),
        (report(client, key, format_, lat="nan"), 400), (report(client, key, format_, lat="91"), 400),
        (report(client, key, format_, jurisdiction_id="elsewhere"), 404),
        (report(client, key, format_, description="x" * 4001), 400),
        (report(client, key, format_, **{"attribute[component]": "12"}), 400),
        (client.post(f"/requests.{format_}", json={}), 400),
        (client.get(f"/services/nothing.{format_}"), 404), (client.get(f"/requests/0.{format_}"), 404),
        (client.get(f"/requests.{format_}", params={"status": "pending"}), 400),
        (client.get(f"/requests.{format_}", params={"start_date": "yesterday"}), 400),
        (client.get(f"/requests.{format_}?start_date=2020-01-01&end_date=2021-01-01"), 400),
        (client.get(f"/requests.{format_}", params={"end_date": "0001-01-01"}), 400),
        (client.get(f"/services.{format_}", params={"jurisdiction_id": "elsewhere"}), 404),
        (client.get(f"/tokens/nothing.{format_}"), 404), (client.get(f"/elsewhere.{format_}"), 404),
    ]  # fmt: skip
    for number, (answer, code) in enumerate(answers):
        assert answer.status_code == code, f"{number}: {answer.status_code} {answer.text}"
        if format_ == "json":
            (error,) = answer.json()
            assert error["code"] == code
            assert error["description"]
        else:
            root = ET.fromstring(answer.content)
            assert (root.tag, root[0].tag) == ("errors", "error")
            assert root.findtext("error/code") == str(code)
            assert root.findtext("error/description")


def test_no_other_format_is_served(client: httpx.Client) -> None:
    assert client.get("/services.yaml").status_code == 404
    assert client.get("/services").status_code == 404


def test_a_token_leads_to_the_id_once_the_case_is_filed(dsn: str, broker_url: str, key: str) -> None:
    own = own_settings(broker_url, dsn, cases=config.Cases(open311_tokens=True))
    with (
        serving(own) as served,
        person(served, dsn, Role.ACCEPTOR) as acceptor,
        httpx.Client(base_url=f"{served.url}/open311/v2", trust_env=False, timeout=20) as client,
    ):
        assert {one["type"] for one in json(client, "/services")} == {"batch"}
        (receipt,) = report(client, key, service_code="c04002").json()
        assert "service_request_id" not in receipt
        token = receipt["token"]
        assert json(client, f"/tokens/{token}") == [{"service_request_id": None, "token": token}]
        (pin,) = acceptor.get("/cases", **{"class": "c04002"})["items"]
        acceptor.post(f"/cases/{pin['id']}/filing")
        assert json(client, f"/tokens/{token}") == [{"service_request_id": pin["number"], "token": token}]
        root = xml(client, f"/tokens/{token}")
        assert plain(root) == [{"service_request_id": pin["number"], "token": token}]
