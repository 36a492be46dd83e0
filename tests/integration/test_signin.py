"""Accounts, sessions, links, tokens and authenticators, over HTTP with a real database."""

import re
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pyotp
import pytest

from citybrain import config
from command.principal import Principal, Role
from command.trust import passes
from command.trust.audit import SYSTEM
from command.trust.signin import link_for
from tests.fixtures import people
from tests.fixtures.command import Served, serving, until
from tests.fixtures.trust import PASSWORD, Browser, own_settings


@pytest.fixture(scope="module")
def served(dsn: str, broker_url: str) -> Iterator[Served]:
    trust = config.Trust(sign_ins_per_minute=10_000)
    with serving(own_settings(broker_url, dsn, trust=trust)) as found:
        yield found


@pytest.fixture
def somebody(dsn: str) -> Principal:
    return people.account(dsn, Role.OPERATOR, password=PASSWORD)[0]


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    found = Browser(served)
    with found.http:
        yield found


def rows(dsn: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode(), values).fetchall()


def test_who_signs_in_is_known_until_they_sign_out(browser: Browser, somebody: Principal, dsn: str) -> None:
    assert browser.get("/me").status_code == 401
    assert browser.get("/session/ways").json()["signed_in"] is False
    answer = browser.sign_in(somebody.name.upper())
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    me = browser.get("/me").json()
    assert (me["name"], me["roles"], me["by"]) == (somebody.name, ["operator"], "session")
    assert browser.get("/signals").status_code == 200
    assert browser.send("DELETE", "/session").status_code == 204
    assert browser.get("/signals").status_code == 401
    told = rows(dsn, "select action from audit where actor = %s order by seq", somebody.id)
    assert [action for (action,) in told][-2:] == ["session.begun", "session.ended"]


def test_nothing_that_opens_a_door_is_in_the_database(
    browser: Browser, somebody: Principal, dsn: str
) -> None:
    browser.sign_in(somebody.name)
    cookie = browser.http.cookies["citybrain_session"]
    whole = str(rows(dsn, "select s::text, a::text from session s, account a where a.id = %s", somebody.id))
    assert cookie not in whole
    assert PASSWORD not in whole
    assert "$argon2id$" in whole


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    browser: Browser, somebody: Principal
) -> None:
    wrong = browser.sign_in(somebody.name, "not the word at all")
    unknown = browser.sign_in("nobody at all", "not the word at all")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json()


def test_an_account_is_locked_after_five_failures_even_for_the_right_password(
    browser: Browser, somebody: Principal, dsn: str
) -> None:
    for _ in range(5):
        assert browser.sign_in(somebody.name, "not the word at all").status_code == 401
    assert browser.sign_in(somebody.name).status_code == 401
    (until_,) = rows(
        dsn, "select locked_until - now() between '20 s' and '31 s' from account where id = %s", somebody.id
    )
    assert until_ == (True,)
    with psycopg.connect(dsn) as connection:
        connection.execute("update account set locked_until = now() where id = %s", [somebody.id])
    assert browser.sign_in(somebody.name).status_code == 200
    assert rows(dsn, "select failures from account where id = %s", somebody.id) == [(0,)]


def test_many_guesses_at_once_do_not_get_round_the_lock(
    served: Served, somebody: Principal, dsn: str
) -> None:
    def guess() -> None:
        Browser(served).sign_in(somebody.name, "not the word at all")

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (counted,) = rows(dsn, "select failures from account where id = %s", somebody.id)
    assert counted == (5,), "guesses that come while the account is locked are not judged at all"


def test_a_link_lets_in_once(browser: Browser, served: Served, somebody: Principal, dsn: str) -> None:
    secret = people.in_database(dsn, lambda connection: link_for(connection, SYSTEM, somebody.id))
    assert browser.enter(secret).status_code == 200
    assert browser.get("/me").json()["name"] == somebody.name
    assert Browser(served).enter(secret).status_code == 401


def test_a_link_that_is_too_old_lets_nobody_in(browser: Browser, somebody: Principal, dsn: str) -> None:
    secret = people.in_database(dsn, lambda connection: link_for(connection, SYSTEM, somebody.id))
    with psycopg.connect(dsn) as connection:
        connection.execute("update sign_in_link set ends_at = now()")
    assert browser.enter(secret).status_code == 401


def test_a_change_needs_the_token_that_only_our_page_can_read(browser: Browser, somebody: Principal) -> None:
    browser.sign_in(somebody.name)
    body = {"samples_s": [0.1]}
    assert browser.http.post("/api/v1/telemetry/map", json=body).status_code == 403
    assert browser.send("POST", "/telemetry/map", body).status_code == 204
    assert browser.send("POST", "/telemetry/map", body, origin="https://evil.example").status_code == 403
    own = str(browser.http.base_url).rstrip("/")
    assert browser.send("POST", "/telemetry/map", body, origin=own).status_code == 204


def test_another_sites_page_cannot_sign_a_browser_in(browser: Browser, somebody: Principal) -> None:
    body = {"name": somebody.name, "password": PASSWORD}
    answer = browser.http.post("/api/v1/session", json=body, headers={"origin": "https://evil.example"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_session_that_was_idle_or_is_too_old_is_over(
    browser: Browser, somebody: Principal, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "FRESH_S", 0.2)
    for what in ("used_at = now() - interval '3 h'", "ends_at = now()"):
        browser.sign_in(somebody.name)
        with psycopg.connect(dsn) as connection:
            connection.execute(f"update session set {what} where account = %s".encode(), [somebody.id])
        until(lambda: browser.get("/me").status_code == 401, "the session is over")


def test_an_open_stream_ends_with_its_session(served: Served, browser: Browser, somebody: Principal) -> None:
    browser.sign_in(somebody.name)
    with (
        httpx.Client(base_url=served.url, timeout=20, trust_env=False, cookies=browser.http.cookies) as other,
        other.stream("GET", "/api/v1/stream?channels=kpis") as answer,
    ):
        pieces = answer.iter_raw()
        next(pieces)
        assert browser.send("DELETE", "/session").status_code == 204
        for _ in pieces:
            pass  # what was under way, then the end: a stream that goes on fails by its time-out


def test_an_authenticator_is_set_up_asked_for_and_its_code_good_once(
    browser: Browser, served: Served, somebody: Principal, dsn: str
) -> None:
    browser.sign_in(somebody.name)
    made = browser.send("POST", "/me/totp").json()
    assert made["svg"].startswith("<svg")
    assert made["secret"] in made["uri"]
    totp = pyotp.TOTP(made["secret"])
    assert Browser(served).sign_in(somebody.name).status_code == 200, "not in force before its first code"
    assert browser.send("PUT", "/me/totp", {"code": "000000"}).status_code in {204, 422}
    code = totp.now()
    assert browser.send("PUT", "/me/totp", {"code": code}).status_code == 204
    assert made["secret"] not in str(
        rows(dsn, "select totp_sealed::text from account where id = %s", somebody.id)
    )

    missing = Browser(served).sign_in(somebody.name)
    assert (missing.status_code, missing.json()["error"]["field"]) == (401, "code")
    assert Browser(served).sign_in(somebody.name, code=code).status_code == 401, "this code was used"
    with psycopg.connect(dsn) as connection:
        connection.execute("update account set totp_step = totp_step - 3 where id = %s", [somebody.id])
    assert Browser(served).sign_in(somebody.name, code=totp.now()).status_code == 200
    assert browser.send("POST", "/me/totp/removal", {"password": "not the word at all"}).status_code == 422
    assert browser.send("POST", "/me/totp/removal", {"password": PASSWORD}).status_code == 204
    assert Browser(served).sign_in(somebody.name).status_code == 200


def test_a_new_password_ends_all_other_sessions(
    browser: Browser, served: Served, somebody: Principal
) -> None:
    other = Browser(served)
    other.sign_in(somebody.name)
    browser.sign_in(somebody.name)
    for new in ("short", f"{somebody.name} and more", "aaaaaaaaaaaaaaa"):
        answer = browser.send("PUT", "/me/password", {"old": PASSWORD, "new": new})
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "new")
    wrong = browser.send("PUT", "/me/password", {"old": "not the word at all", "new": "another long word"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "old")
    assert (
        browser.send("PUT", "/me/password", {"old": PASSWORD, "new": "another long word"}).status_code == 204
    )
    assert other.get("/me").status_code == 401
    assert browser.get("/me").status_code == 200
    assert Browser(served).sign_in(somebody.name, "another long word").status_code == 200


def test_a_token_may_do_what_its_scopes_say_and_nothing_after_it_was_revoked(
    browser: Browser, served: Served, somebody: Principal
) -> None:
    browser.sign_in(somebody.name)
    made = browser.send("POST", "/me/tokens", {"name": "prometheus", "scopes": ["see_metrics"]})
    assert made.status_code == 201
    beyond = browser.send("POST", "/me/tokens", {"name": "x", "scopes": ["manage_accounts"]})
    assert (beyond.status_code, beyond.json()["error"]["field"]) == (422, "scopes")
    assert browser.send("POST", "/me/tokens", {"name": "x", "scopes": ["own_account"]}).status_code == 422
    token = made.json()["token"]
    with httpx.Client(
        base_url=served.url, headers={"authorization": f"Bearer {token}"}, trust_env=False
    ) as http:
        assert http.get("/metrics").status_code == 200
        assert http.get("/api/v1/signals").status_code == 403
        assert http.get("/api/v1/me/tokens").status_code == 403
        (kept,) = [one for one in browser.get("/me/tokens").json()["items"] if one["name"] == "prometheus"]
        assert kept["token"] is None
        assert browser.send("DELETE", f"/me/tokens/{kept['id']}").status_code == 204
        assert http.get("/metrics").status_code == 401
    assert browser.send("DELETE", f"/me/tokens/{uuid4()}").status_code == 404


def test_an_administrator_makes_changes_and_shuts_out_accounts(
    served: Served, browser: Browser, dsn: str
) -> None:
    chief, _ = people.account(dsn, Role.ADMINISTRATOR, password=PASSWORD)
    browser.sign_in(chief.name)
    name = f"li.wei.{uuid4().hex[:6]}"
    body = {"name": name, "roles": ["dispatcher"], "districts": ["north"]}
    made = browser.send("POST", "/accounts", body).json()
    assert re.fullmatch(r"(\w{5}-){3}\w{5}", made["password"])
    assert browser.send("POST", "/accounts", body).status_code == 409
    worker = Browser(served)
    assert worker.sign_in(name, made["password"]).json()["districts"] == ["north"]
    change = {"roles": ["grid_worker"], "districts": ["south"], "disabled": False}
    assert browser.send("PUT", f"/accounts/{made['id']}", change).json()["roles"] == ["grid_worker"]
    assert worker.get("/me").json()["districts"] == ["south"]
    assert browser.send("PUT", f"/accounts/{made['id']}", change | {"disabled": True}).json()["disabled"]
    assert worker.get("/me").status_code == 401
    assert worker.sign_in(name, made["password"]).status_code == 401
    assert browser.send("PUT", f"/accounts/{chief.id}", change).status_code == 409, "not one's own rights"
    browser.send("PUT", f"/accounts/{made['id']}", change)
    again = browser.send("POST", f"/accounts/{made['id']}/reset").json()["password"]
    assert worker.sign_in(name, made["password"]).status_code == 401
    assert worker.sign_in(name, again).status_code == 200
    listed = browser.get("/accounts").json()["items"]
    assert {one["password"] for one in listed} == {None}


def test_too_many_attempts_from_one_address_are_slowed_down(dsn: str, broker_url: str) -> None:
    settings = own_settings(broker_url, dsn, trust=config.Trust(sign_ins_per_minute=3))
    with serving(settings) as served:
        statuses = [Browser(served).enter("wrong").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]


def test_a_caller_that_asks_too_often_is_told_when_to_come_back(dsn: str, broker_url: str) -> None:
    settings = own_settings(broker_url, dsn, trust=config.Trust(requests_per_minute=60))
    with serving(settings) as served, served.client() as client:
        answers = [client.get("/api/v1/session/ways") for _ in range(70)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["retry-after"]) >= 1


def test_a_kiosk_is_for_this_machine_only(dsn: str, broker_url: str) -> None:
    settings = own_settings(broker_url, dsn, trust=config.Trust(kiosk=True))
    with serving(settings) as served, httpx.Client(base_url=served.url, trust_env=False) as http:
        me = http.get("/api/v1/me").json()
        assert (me["by"], me["name"]) == ("kiosk", "kiosk")
        assert http.get("/api/v1/signals").status_code == 200
        assert http.get("/api/v1/accounts").status_code == 403
        assert "order_signals" not in me["actions"], "nobody stands behind a kiosk"
        rebound = http.get("/api/v1/signals", headers={"host": "evil.example"})
        assert rebound.status_code == 401, "a name of somebody else that leads here lets nobody in"
