"""Signing in at an identity provider: a small real one on loopback, with keys, codes and PKCE of its own."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from citybrain import config
from tests.fixtures.command import Served, serving
from tests.fixtures.loopback import answering
from tests.fixtures.trust import own_settings

CLIENT = "city"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Provider:
    """OpenID Connect as far as a code with PKCE goes; `spoil` changes the next token."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.spoil: dict[str, Any] = {}
        self.key = KEY
        self.codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path.endswith("/openid-configuration"):
                    self.answer(provider.about())
                elif parts.path == "/keys":
                    self.answer({"keys": [KEY.as_dict(private=False)]})
                else:
                    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                    self.send_response(302)
                    self.send_header("location", provider.authorise(query))
                    self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                token = provider.redeem(form)
                self.answer(
                    {"id_token": token} if token else {"error": "invalid_grant"}, 200 if token else 400
                )

            def answer(self, content: object, status: int = 200) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"

    def about(self) -> dict[str, str]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorise",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorise(self, query: dict[str, str]) -> str:
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def redeem(self, form: dict[str, str]) -> str | None:
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims | self.claims | self.spoil, self.key)


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    found = Provider()
    with answering(found.server):
        yield found


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.claims = {"sub": "4711", "preferred_username": "li.wei", "roles": ["dispatcher", "cook"]}
    running.spoil = {}
    running.key = KEY
    return running


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str, running: Provider) -> Iterator[Served]:
    oidc = config.Oidc(issuer=running.issuer, client_id=CLIENT)
    with serving(own_settings(broker_url, dsn, oidc=oidc)) as found:
        yield found


@pytest.fixture
def browser(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as client:
        yield client


def go(browser: httpx.Client) -> httpx.Response:
    """To the provider and back, as a browser follows."""
    away = browser.get("/api/v1/session/oidc")
    assert away.status_code == 303
    back = browser.get(away.headers["location"])
    return browser.get(back.headers["location"])


def test_who_the_provider_knows_is_let_in_with_the_roles_that_it_gives(
    browser: httpx.Client, provider: Provider
) -> None:
    assert browser.get("/api/v1/session/ways").json()["oidc"] is True
    answer = go(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["roles"], me["districts"], me["local"]) == ("li.wei", ["dispatcher"], [], False)
    provider.claims |= {"roles": ["supervisor"], "districts": ["north"], "preferred_username": "li.wei.new"}
    go(browser)
    again = browser.get("/api/v1/me").json()
    assert again["id"] == me["id"], "the same person, whatever the name is now"
    assert (again["roles"], again["districts"]) == (["supervisor"], ["north"])


def test_a_local_account_of_the_same_name_is_somebody_else(
    browser: httpx.Client, provider: Provider, dsn: str
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into account (id, name, roles) values (gen_random_uuid(), 'boss', '{administrator}')"
        )
    provider.claims |= {"sub": "666", "preferred_username": "boss"}
    go(browser)
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["roles"]) == ("boss (666)", ["dispatcher"])


def test_who_has_no_role_here_is_refused(browser: httpx.Client, provider: Provider) -> None:
    provider.claims["roles"] = ["cook"]
    assert go(browser).status_code == 401
    assert browser.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "spoil",
    [
        {"aud": "another"},
        {"iss": "http://127.0.0.1:1/other"},
        {"nonce": "another"},
        {"exp": 1_000_000_000},
        {"sub": None},
    ],
    ids=lambda spoil: next(iter(spoil)),
)
def test_a_token_that_is_not_for_us_lets_nobody_in(
    browser: httpx.Client, provider: Provider, spoil: dict[str, Any]
) -> None:
    provider.spoil = spoil
    assert go(browser).status_code == 401


def test_a_token_signed_by_another_key_lets_nobody_in(browser: httpx.Client, provider: Provider) -> None:
    provider.key = OTHER_KEY
    assert go(browser).status_code == 401


def test_a_code_that_another_browser_fetched_lets_nobody_in(
    browser: httpx.Client, served: Served, provider: Provider
) -> None:
    away = browser.get("/api/v1/session/oidc")
    back = browser.get(away.headers["location"]).headers["location"]
    with httpx.Client(base_url=served.url, trust_env=False) as victim:
        assert victim.get(back).status_code == 401
        victim.get("/api/v1/session/oidc")
        assert victim.get(back).status_code == 401, "its own attempt has another state"


def test_the_cookie_of_the_attempt_hides_what_it_holds(browser: httpx.Client, provider: Provider) -> None:
    away = browser.get("/api/v1/session/oidc")
    state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
    cookie = away.headers["set-cookie"]
    assert state not in cookie
    assert {"HttpOnly", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
