"""The table of rights, and small pure parts of trust."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain import config
from command.districts import Districts
from command.principal import Principal, Role
from command.trust import passwords, rights, tickets, totp
from command.trust.rates import Rates
from command.trust.rights import Action

ROLES = st.frozensets(st.sampled_from(list(Role)))
NAMES = st.frozensets(st.sampled_from(["north", "south", "east"]))
SCOPES = st.none() | st.frozensets(st.sampled_from([action.value for action in Action]))


def principal(roles: frozenset[Role], districts: frozenset[str] = frozenset()) -> Principal:
    return Principal(uuid4(), "x", roles, districts)


def test_every_role_is_in_the_table_and_who_has_none_may_nothing() -> None:
    assert rights.TABLE.keys() == set(Role)
    assert rights.allowed(principal(frozenset())) == frozenset()


@given(ROLES, NAMES, SCOPES)
def test_districts_and_scopes_only_take_away(
    roles: frozenset[Role], districts: frozenset[str], scopes: frozenset[str] | None
) -> None:
    whole = rights.allowed(principal(roles))
    bound = rights.allowed(principal(roles, districts), scopes)
    assert bound <= whole
    if districts:
        assert not bound & rights.WHOLE_CITY
    if scopes is not None:
        assert bound <= scopes


@given(NAMES, NAMES)
def test_an_object_is_seen_where_a_district_is_shared_or_by_the_whole_city(
    own: frozenset[str], places: frozenset[str]
) -> None:
    assert rights.covers(principal(frozenset({Role.OPERATOR}), own), places) == (
        not own or bool(own & places)
    )


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ((1.0, 1.0), {"square"}),
        ((3.0, 1.0), set()),
        ((0.5, 2.5), {"roof"}),
        (None, set()),
        ((-1.0, 1.0), set()),
    ],
)
def test_a_place_lies_in_the_districts_whose_border_goes_round_it(
    position: tuple[float, float] | None, expected: set[str]
) -> None:
    square = config.District(area=[(0, 0), (2, 0), (2, 2), (0, 2)])
    roof = config.District(area=[(0, 2.2), (2, 2.2), (0.5, 4)])
    assert Districts({"square": square, "roof": roof}).of(position) == expected


def test_locks_grow_from_half_a_minute_to_an_hour() -> None:
    assert [passwords.lock_for(n).total_seconds() for n in (0, 4, 5, 6, 7)] == [0, 0, 30, 60, 120]
    assert passwords.lock_for(10_000) == timedelta(hours=1)


def test_generated_passwords_differ_and_are_accepted() -> None:
    made = {passwords.generate() for _ in range(50)}
    assert len(made) == 50
    assert {passwords.fault(password, "operator") for password in made} == {""}


def test_a_code_is_good_for_its_step_and_the_next_ones_but_once() -> None:
    secret = totp.new_secret()
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    code = pyotp.TOTP(secret).at(at)
    step = totp.step_of(secret, code, at, None)
    assert step is not None
    assert totp.step_of(secret, code, at + timedelta(seconds=30), None) == step
    assert totp.step_of(secret, code, at + timedelta(seconds=90), None) is None
    assert totp.step_of(secret, code, at, step) is None
    assert totp.step_of(secret, "12345x", at, None) is None


def test_a_caller_may_ask_as_often_as_the_rate_says_and_again_after_a_while() -> None:
    now_s = 0.0
    rates = Rates(60, lambda: now_s)
    assert [rates.wait_s("a") for _ in range(60)] == [0.0] * 60
    assert rates.wait_s("a") == pytest.approx(1.0)
    assert rates.wait_s("b") == 0
    now_s = 1.0
    assert rates.wait_s("a") == 0
    assert rates.wait_s("a") > 0


@given(st.text(min_size=1))
def test_what_is_kept_of_a_secret_is_not_the_secret(secret: str) -> None:
    assert secret.encode("utf-8", "replace") not in (tickets.kept("x"), b"")
    assert len(tickets.kept(tickets.new())) == 32
