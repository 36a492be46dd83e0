"""What every answer carries, the built front end, and requests that are wrong; no broker, no database."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from citybrain import config
from citybrain.config import Settings
from tests.fixtures.command import Served, free_closed_port, serving


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web") / "dist"


@pytest.fixture(scope="module")
def served(dist: Path) -> Iterator[Served]:
    away = msgspec.structs.replace(
        Settings(),
        broker=config.Broker(url=f"mqtt://127.0.0.1:{free_closed_port()}"),
        database=config.Database(dsn=f"postgresql://x@127.0.0.1:{free_closed_port()}/x"),
    )
    with serving(away, dist) as found:
        yield found


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as found:
        yield found


def test_without_a_front_end_the_page_says_what_to_run_and_then_it_is_served(
    client: httpx.Client, dist: Path
) -> None:
    page = client.get("/")
    assert page.status_code == 503
    assert "citybrain web build" in page.text
    assert client.get("/assets/app-ABCDEFGH.js").status_code == 404
    assert client.get("/healthz").json()["checks"]["web"] != "ok"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>map</title>")
    (dist / "assets" / "app-ABCDEFGH.js").write_text("1")
    (dist / "assets" / "icon.svg").write_text("<svg/>")
    (dist.parent / "secret").write_text("secret")
    page = client.get("/")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
    script = client.get("/assets/app-ABCDEFGH.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in script.headers["content-type"]
    assert client.get("/assets/icon.svg").headers["cache-control"] == "no-cache"
    assert client.get("/healthz").json()["checks"]["web"] == "ok"
    for path in ("/../secret", "/%2e%2e/secret", "/assets/..%2f..%2fsecret", "/assets/%00"):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/signals", "/api/v1/nothing", "/metrics", "/api/v1/stream?channels=x"]
)
def test_every_answer_carries_the_security_headers_and_names_no_server(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path, headers={"origin": "https://elsewhere.example"})
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_only_the_pages_that_need_the_device_may_ask_for_it(client: httpx.Client) -> None:
    def allowed(path: str) -> str:
        return str(client.get(path).headers["permissions-policy"])

    assert allowed("/") == allowed("/api/v1/signals") == "camera=(), geolocation=(), microphone=()"
    assert allowed("/report/") == "camera=(), geolocation=(self), microphone=()"
    assert allowed("/phone/") == "camera=(), geolocation=(self), microphone=(self)"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/measurements/lanes?from=yesterday", "from"),
        ("/measurements/lanes?from=2026-03-02T08:00:00", "from"),
        ("/measurements/lanes?bucket=1s", "bucket"),
        ("/measurements/lanes?to=2026-03-02T08:00:00Z&from=2026-03-02T09:00:00Z", "from"),
        ("/measurements/lanes?bucket=raw&to=2026-03-02T08:00:00Z&from=2026-03-01T08:00:00Z", "from"),
        ("/measurements/lanes?limit=0", "limit"),
        ("/measurements/lanes?limit=10001", "limit"),
        ("/measurements/lanes?cursor=%FF%00", "cursor"),
        ("/measurements/lanes?cursor=WzFd", "cursor"),
        ("/measurements/lanes?to=0001-01-01T00:00:00Z", "to"),
        ("/measurements/counts?camera=", "camera.0"),
        ("/events?open=perhaps", "open"),
        ("/stream?channels=signals,weather", "channels"),
        ("/stream?channels=,", "channels"),
    ],
)
def test_a_wrong_parameter_is_named(client: httpx.Client, path: str, field: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert error["message"].startswith(field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "samples_s"),
        (b"{}", "samples_s"),
        (b'{"samples_s":[-1]}', "samples_s[0]"),
        (b'{"samples_s":["x"]}', "samples_s[0]"),
        (b'{"samples_s":[' + b",".join([b"1"] * 501) + b"]}", "samples_s"),
        (b'{"samples_s":[1],"who":"me"}', "samples_s"),
        (b"\xff", "samples_s"),
    ],
)
def test_wrong_telemetry_is_refused(client: httpx.Client, body: bytes, field: str) -> None:
    answer = client.post("/api/v1/telemetry/map", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field


def test_what_is_too_large_or_not_json_is_refused(client: httpx.Client) -> None:
    json_type = {"content-type": "application/json"}
    url = "/api/v1/telemetry/map"
    assert client.post(url, content=b" " * 70_000, headers=json_type).json()["error"]["code"] == "too_large"
    assert client.get(f"/api/v1/events?kind={'x' * 20_000}").status_code == 413
    chunked = client.post(url, content=iter([b" " * 40_000] * 3), headers=json_type)
    assert (chunked.status_code, chunked.json()["error"]["code"]) == (413, "too_large")
    assert client.post(url, content=b'{"samples_s":[1]}').json()["error"]["field"] == "content-type"


def test_errors_have_one_shape(client: httpx.Client) -> None:
    missing = client.get("/api/v1/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = client.post("/api/v1/signals")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    unknown = client.get("/api/v1/intersections/nowhere")
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (404, "intersection")


def test_both_documents_are_served(client: httpx.Client) -> None:
    assert client.get("/api/v1/asyncapi.json").json()["asyncapi"] == "3.0.0"
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert client.get("/openapi.json").json() == document
