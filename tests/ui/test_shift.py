"""A shift: what a camera saw goes through everybody's hands until the citizen who saw it too rates it."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from secrets import token_bytes
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
import psycopg
import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, Page, expect

from citybrain.cli import root
from command.principal import Role
from tests.fixtures import people
from tests.fixtures.axe import check_accessible
from tests.fixtures.browser import Watched, watching
from tests.fixtures.cases import SPOT, Person, person, responsible, set_up, skilled
from tests.fixtures.command import Served, serving
from tests.fixtures.trust import own_settings
from tests.integration.test_alarms import happen
from tests.ui.deeds import do

pytestmark = pytest.mark.timeout(600)
expect.set_options(timeout=20_000)
CLASS = "e01001"
FAR = (SPOT[0] + 0.02, SPOT[1])


@pytest.fixture(scope="module")
def served(built: None, dsn: str, broker_url: str) -> Iterator[Served]:
    set_up(dsn)
    with serving(own_settings(broker_url, dsn)) as found:
        yield found


class Shift:
    """Who is at work: people at desks with a page each, people on the street, somebody without an account."""

    def __init__(self, stack: ExitStack, browser: Browser, served: Served, dsn: str) -> None:
        self._stack, self._browser, self._served, self._dsn = stack, browser, served, dsn
        public = httpx.Client(base_url=f"{served.url}/api/v1/public", trust_env=False, timeout=20)
        self.citizen = stack.enter_context(public)
        self.follow = base64.urlsafe_b64encode(token_bytes(32)).decode().rstrip("=")

    def comes(self, role: Role, department: str | None = None) -> Person:
        return self._stack.enter_context(person(self._served, self._dsn, role, (), department))

    def sits(self, who: Person) -> Watched:
        watched = self._stack.enter_context(watching(self._browser))
        page = watched.open(people.link(self._dsn, self._served.url, who.principal))
        expect(page.locator(".connection")).to_have_attribute("data-state", "live")
        return watched

    def reports(self) -> str:
        body = {"id": str(uuid4()), "follow": self.follow, "class": CLASS, "position": list(SPOT)}
        answer = self.citizen.post("/reports", json=body | {"text": "a lorry blocks the lane"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["number"])


@pytest.fixture
def shift(browser: Browser, served: Served, dsn: str) -> Iterator[Shift]:
    with ExitStack() as stack:
        yield Shift(stack, browser, served, dsn)


def opens(page: Page, number: str) -> None:
    page.locator("#tab-cases").click()
    page.locator(".case-row", has_text=number).click()
    expect(page.locator(".case-detail .case-body")).to_be_visible()


def stands(page: Page, stage: str) -> None:
    expect(page.locator(".stage-line [aria-current='step']")).to_have_text(stage)


def task(who: Person, kind: str) -> dict[str, Any]:
    (found,) = who.tasks(kind)
    return found


def pictures(who: Person, case: str, kind: str, grey: int) -> None:
    _, jpeg = cv2.imencode(".jpg", np.full((90, 120, 3), grey, np.uint8))
    data, upload = jpeg.tobytes(), str(uuid4())
    body = {"id": upload, "kind": kind, "media_type": "image/jpeg", "size": len(data), "case": case}
    who.post("/uploads", body, 201)
    assert who.http.patch(f"/uploads/{upload}", params={"offset": 0}, content=data).json()["done"]


def test_what_a_camera_saw_is_owned_handled_verified_closed_and_rated(
    shift: Shift, dsn: str, tmp_path: Path
) -> None:
    operator, acceptor = shift.comes(Role.OPERATOR), shift.comes(Role.ACCEPTOR)
    dispatcher, police = shift.comes(Role.DISPATCHER), shift.comes(Role.DEPARTMENT, "police")
    near, far = shift.comes(Role.HANDLER, "police"), shift.comes(Role.HANDLER, "police")
    looker = shift.comes(Role.GRID_WORKER)
    for one in (near, far):
        skilled(dsn, one, "traffic")
    responsible(dsn, looker)
    near.stand()
    far.stand(FAR)
    looker.stand()

    # The operator: an alarm comes up, is owned, and becomes a case.
    desk = shift.sits(operator)
    page = desk.page
    page.locator("#tab-alarms").click()
    happen(dsn, "market", severity="critical", kind="stopped_vehicle")
    alarm = page.locator(".alarm")
    alarm.locator("[data-deed='acknowledgement']").click()
    expect(alarm).to_have_attribute("data-state", "acknowledged")
    alarm.locator("[data-deed='case']").click()
    expect(page.locator(".case-detail h2")).to_have_text("Vehicle stands in the way")
    expect(page.locator(".case-detail .case-body")).to_be_visible()
    number = page.locator(".case-detail .mode-tag").inner_text()
    desk.screenshot("shift-1-operator")

    # The acceptor: a citizen reports it too; both are one, and it is filed.
    twin = shift.reports()
    assert twin != number
    gate = shift.sits(acceptor)
    opens(gate.page, twin)
    gate.page.locator("[data-deed='merge']").click()
    gate.page.locator(".pick", has_text=number).click()
    gate.page.locator(".case-form button[type='submit']").click()
    expect(gate.page.locator(".case-time-more")).to_contain_text("Merged into another")
    gate.page.keyboard.press("Escape")
    opens(gate.page, number)
    do(gate.page, "filing", Note="it blocks the lane")
    stands(gate.page, "Filed")

    # The dispatcher and the department: who is nearest is asked.
    room = shift.sits(dispatcher)
    opens(room.page, number)
    room.page.locator("[data-deed='dispatch']").click()
    expect(room.page.locator(".case-units .pick-name")).to_have_text([near.name, far.name])
    room.screenshot("shift-2-dispatcher")
    room.page.locator(".case-form button[type='submit']").click()
    stands(room.page, "Dispatched")
    station = shift.sits(police)
    opens(station.page, number)
    do(station.page, "acceptance")
    expect(station.page.locator(".case-tasks:not(.case-same)")).to_contain_text(near.name)
    assert far.tasks() == []

    # On the street: handled with photos before and after; the desks see each step as it is taken.
    asked = task(near, "handle")
    case = str(asked["case"])
    assert asked["must_accept"]
    near.post(f"/tasks/{asked['id']}/acceptance")
    near.post(f"/tasks/{asked['id']}/check-in", {"on_scene": True})
    pictures(near, case, "before", 60)
    pictures(near, case, "after", 200)
    near.post(f"/tasks/{asked['id']}/result", {"answer": True, "text": "towed away"})
    stands(station.page, "Reported back")

    # Another one verifies; who handled may not.
    look = task(looker, "verify")
    assert near.tasks("verify") == []
    looker.post(f"/tasks/{look['id']}/acceptance")
    looker.post(f"/tasks/{look['id']}/result", {"answer": True, "text": "the lane is free"})
    stands(gate.page, "Verified")
    gate.page.locator("[data-tool='pictures']").click()
    shown = gate.page.locator(".case-picture")
    expect(shown).to_have_count(2)
    assert [
        one.evaluate("image => image.decode().then(() => image.naturalWidth)") for one in shown.all()
    ] == [120, 120]
    do(gate.page, "closure", How="the lane is free")
    stands(gate.page, "Closed")
    expect(gate.page.locator(".case-deed")).to_have_text(["Comment"])

    # The citizen rates it behind the link; everybody sees it.
    secret = {"x-follow": shift.follow}
    told = shift.citizen.get("/follow", headers=secret).json()
    assert (told["number"], told["stage"], told["may_rate"]) == (number, "closed", True)
    rated = shift.citizen.post("/follow/rating", headers=secret, json={"score": 5, "text": "quick"})
    assert rated.status_code == 200, rated.text
    expect(gate.page.locator(".entry").first).to_contain_text("Rated")
    expect(gate.page.locator(".case-facts")).to_contain_text("5 of 5")
    check_accessible(gate.page)
    gate.screenshot("shift-3-closed")
    whats = gate.page.locator(".entry-what").all_inner_texts()[::-1]
    steps = [
        "Reported",
        "Took in",
        "Filed",
        "Dispatched to",
        "Accepted by the department",
        "Handling asked of",
    ]
    steps += [
        "Taken on by the handler",
        "On the scene",
        "Picture or voice",
        "Picture or voice",
        "Reported back",
    ]
    steps += ["Verification asked of", "Verification accepted", "Verified", "Closed", "Rated"]
    assert whats == steps
    _audit_holds_until_it_is_tampered_with(dsn, tmp_path, case)


def _audit_holds_until_it_is_tampered_with(dsn: str, folder: Path, case: str) -> None:
    runner = CliRunner(env={"CITYBRAIN__DATABASE__DSN": dsn, "CITYBRAIN_DATA_DIR": str(folder)})

    def ask(what: str) -> Result:
        # While Playwright runs, this thread has a loop already.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(runner.invoke, root, [what, "verify"]).result()

    assert (ask("audit").exit_code, ask("cases").exit_code) == (0, 0)
    with psycopg.connect(dsn) as connection:
        connection.execute("set local session_replication_role = replica")
        changed = connection.execute(
            "update case_entry set text = 'never mind' where case_id = %s and what = 'closed'", [case]
        )
        assert changed.rowcount == 1
    found = ask("cases")
    assert (found.exit_code, case in found.output) == (1, True)
    with psycopg.connect(dsn) as connection:
        connection.execute("set local session_replication_role = replica")
        entry = "select seq from audit where action = 'case.closed' and subject = %s"
        (seq,) = connection.execute(entry, [f"case/{case}"]).fetchone() or (0,)
        connection.execute("update audit set actor_name = 'somebody else' where seq = %s", [seq])
    told = ask("audit")
    assert (told.exit_code, f"entry {seq}:" in told.output) == (1, True)
