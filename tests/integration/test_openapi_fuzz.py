"""The whole OpenAPI document, driven by schemathesis as each role: no 5xx, nothing that the document denies.

`CITYBRAIN_FUZZ_EXAMPLES` (2 unless set) is the number of made-up requests of each operation and role.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from citybrain import config, topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.config import Settings
from command.app import create_app
from command.principal import Role
from tests.fixtures import command as street
from tests.fixtures import people
from tests.fixtures.command import Served, broker_is_there, serving, until
from tests.fixtures.database import migrated_database
from tests.fixtures.trust import own_settings

EXAMPLES = int(os.environ.get("CITYBRAIN_FUZZ_EXAMPLES", "2"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS = ("/stream", "/stream.mjpg")
SCHEMA = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
FOUND: list[Any] = list(SCHEMA.get_all_operations())
OPERATIONS = [found.ok() for found in FOUND if not found.ok().path.endswith(ENDLESS)]


@pytest.fixture(scope="module")
def own(postgres_dsn: str, broker_url: str) -> Iterator[Settings]:
    with migrated_database(postgres_dsn) as dsn:
        yield own_settings(
            broker_url, dsn, trust=config.Trust(requests_per_minute=1_000_000, sign_ins_per_minute=10_000)
        )


@pytest.fixture(scope="module")
def served(own: Settings) -> Iterator[Served]:
    """With an intersection, so that not everything is empty."""
    with serving(own) as found, Bus(own.broker, f"{own.site.name}-street") as bus, found.client() as client:
        broker_is_there(client)
        now = datetime.now(UTC)
        for what, message in (("config", street.config()), ("state", street.state(2, at=now))):
            assert bus.publish(topics.build(own.site.name, "signal", "a", what), encode(message), retain=True)
        until(lambda: client.get("/api/v1/signals").json()["items"], "the signal")
        yield found


@pytest.mark.parametrize("role", list(Role))
def test_no_role_can_make_the_api_fail_or_answer_what_it_does_not_document(
    own: Settings, served: Served, role: Role
) -> None:
    _, headers = people.account(own.database.dsn, role)
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(headers)
        faults = [fault for operation in OPERATIONS if (fault := drive(operation, served.url, session))]
    assert not faults, "\n".join(faults)


def test_nobody_can_make_their_own_account_fail(own: Settings, served: Served) -> None:
    """Tokens do not reach one's own account, so this is a browser's session."""
    entered = people.entrance(own.database.dsn, served.url).partition("#enter=")[2]
    with requests.Session() as session:
        session.trust_env = False
        told = session.post(f"{served.url}/api/v1/session/link", json={"token": entered}, timeout=20).json()
        session.headers["x-csrf-token"] = told["csrf"]
        mine = [operation for operation in OPERATIONS if (operation.path + "/").startswith("/api/v1/me/")]
        faults = [fault for operation in mine if (fault := drive(operation, served.url, session))]
        assert session.get(f"{served.url}/api/v1/me", timeout=20).status_code == 200
    assert len(mine) == 11
    assert not faults, "\n".join(faults)


def drive(operation: Any, url: str, session: requests.Session) -> str:
    """Send made-up requests of one operation, valid ones and wrong ones; what went wrong, if anything."""

    @seed(20_261_124)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        response = case.call(base_url=url, session=session, allow_redirects=False, timeout=20)
        case.validate_response(response, checks=CHECKS)

    try:
        send()
    except Exception as fault:
        inner = getattr(fault, "exceptions", [fault])
        return f"{operation.method} {operation.path}: " + "; ".join(str(one)[:600] for one in inner)
    return ""
