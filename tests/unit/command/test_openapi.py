"""The OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from citybrain.config import Settings
from command.app import create_app
from command.cases.offers import OFFERS

APP = create_app(Settings())
DOCUMENT: dict[str, Any] = APP.openapi()
OPERATIONS = [
    (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def test_every_route_is_documented() -> None:
    contract = {
        "site", "network", "intersections", "intersections/{intersection}",
        "intersections/{intersection}/reasons",
        "signals", "lanes", "cameras",
        "cameras/{camera}/picture.jpg", "cameras/{camera}/stream.mjpg", "agents", "measurements/lanes",
        "measurements/counts", "measurements/signals", "commands", "events", "kpis", "telemetry/map",
        "stream", "asyncapi.json", "openapi.json", "session", "session/ways", "session/link", "session/oidc",
        "session/oidc/callback", "me", "me/password", "me/totp", "me/totp/removal", "me/tokens",
        "me/tokens/{token}", "accounts", "accounts/{account}", "accounts/{account}/reset", "audit",
        "alarms", "alarms/{alarm}", "alarms/{alarm}/acknowledgement", "alarms/{alarm}/assignee",
        "alarms/{alarm}/comments", "alarms/{alarm}/snooze", "alarms/{alarm}/closure", "webhooks",
        "webhooks/{webhook}", "webhooks/{webhook}/deliveries", "retention", "delivery",
        "cameras/{camera}/calibration", "cameras/{camera}/calibration/fit",
        "playback/state", "playback/changes", "figures", "figures.csv", "figures.parquet", "figures.png",
        "figures/comparison", "shift", "looks", "looks/{look}/pictures",
        "search", "me/views", "me/views/{view}",
        "alarms/{alarm}/case", "cases", "cases/{case}", "cases/{case}/units",
        *(f"cases/{{case}}/{deed}" for deed in OFFERS),
        "field/me", "field/duty", "field/positions", "field/batch", "tasks",
        "tasks/{task}/acceptance", "tasks/{task}/refusal", "tasks/{task}/check-in",
        "tasks/{task}/result", "workers", "inbox", "inbox/read", "inbox/stream", "roll-calls",
        "roll-calls/{roll_call}", "roll-calls/{roll_call}/presence", "case-classes", "grid/cells",
        "grid/components", "uploads", "uploads/{upload}", "attachments/{attachment}",
        "evaluation/league", "evaluation/times", "cad/events", "cad/events/{call}/position",
        "cad/events/{call}/end", "orders", "intersections/{intersection}/order",
        "intersections/{intersection}/order/release", "manual-waves",
        "manual-waves/{wave}/confirmation", "manual-waves/{wave}/end",
        "public/classes", "public/reports", "public/nearby",
        "public/follow", "public/follow/photos", "public/follow/rating",
        "public/follow/reopening", "public/streets",
    }  # fmt: skip
    assert DOCUMENT["paths"].keys() == {f"/api/v1/{name}" for name in contract} | {"/metrics", "/healthz"}
    routes = [route for route in APP.routes if isinstance(route, APIRoute) and not route.include_in_schema]
    # Open311 has documents of its own.
    others = {route.path for route in routes if not route.path.startswith("/open311/v2/")}
    assert others <= {"/openapi.json"}


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda value: str(value)[:40])
def test_every_answer_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["description"], f"{method} {path} has no description"
    answers = operation["responses"]
    assert {"422", "500"} <= answers.keys()
    for status, answer in answers.items():
        assert answer["description"]
        if status not in {"204", "303", "304"}:
            (content,) = answer["content"].values()
            assert content["schema"]
        if status[0] in "45" and path != "/healthz":
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
    if "{" in path:
        assert "404" in answers
    if path.startswith(("/api/v1/measurements", "/api/v1/commands", "/api/v1/events")):
        assert "503" in answers


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for reference in set(refs(DOCUMENT)):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_operations_are_named_once() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
