"""A region keeps the orders of people, and lets each end by itself."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from citybrain.messages import OrderKind, SignalOrder
from citybrain.orders import MOST_AHEAD_S, MOST_OFF_S, MOST_S
from tests.fixtures.crossing import AT, crossing, state
from traffic.disposal import Disposal
from traffic.horizon import Shown
from traffic.orders import Orders, ordered
from traffic.region import Decision


def order(
    id_: str = "one",
    kind: OrderKind = OrderKind.HOLD,
    phase: int = 1,
    starts_s: float = 0.0,
    lasts_s: float = 60.0,
    intersection: str = "x",
) -> SignalOrder:
    starts_at = AT + timedelta(seconds=starts_s)
    return SignalOrder(
        at=AT, intersection=intersection, order=id_, kind=kind, phase=phase, starts_at=starts_at,
        expires_at=starts_at + timedelta(seconds=lasts_s),
    )  # fmt: skip


def at_s(seconds: float, orders: Orders, intersection: str = "x") -> str | None:
    found = orders.in_force(intersection, AT + timedelta(seconds=seconds))
    return found.order if found else None


@given(st.floats(0, 800), st.floats(1, MOST_S), st.floats(-100, 2000))
def test_an_order_is_in_force_from_its_start_to_its_end_and_at_its_signal_only(
    starts_s: float, lasts_s: float, at: float
) -> None:
    orders = Orders()
    sent = order(starts_s=starts_s, lasts_s=lasts_s)
    assert orders.hear(sent, AT)
    now = AT + timedelta(seconds=at)
    assert (at_s(at, orders) == "one") == (sent.starts_at <= now < sent.expires_at)
    assert at_s(at, orders, "y") is None


def test_the_one_that_starts_last_is_in_force_and_the_one_before_comes_back() -> None:
    orders = Orders()
    assert orders.hear(order("later", starts_s=20, lasts_s=10), AT)
    assert orders.hear(order("first"), AT)
    assert [at_s(second, orders) for second in (5, 25, 35, 65)] == ["first", "later", "first", None]


def test_a_release_ends_it_and_a_word_that_comes_late_does_not_bring_it_back() -> None:
    orders = Orders()
    assert orders.hear(order(), AT)
    assert orders.hear(order(kind=OrderKind.RELEASE), AT)
    assert at_s(1, orders) is None
    assert orders.hear(order(), AT)
    assert at_s(1, orders) is None
    assert orders.hear(order("two"), AT)
    assert at_s(1, orders) == "two"


def test_what_lasts_too_long_or_begins_too_late_is_not_taken() -> None:
    orders = Orders()
    assert not orders.hear(order(lasts_s=MOST_S + 1), AT)
    assert not orders.hear(order(starts_s=MOST_AHEAD_S + MOST_OFF_S + 1), AT)
    assert not orders.held


def test_what_is_over_is_forgotten() -> None:
    orders = Orders()
    assert orders.hear(order(), AT)
    assert orders.hear(order("two", lasts_s=5), AT + timedelta(seconds=61))
    assert not orders.held


def test_a_held_phase_is_judged_by_the_rules_as_any_other() -> None:
    disposal = Disposal()
    disposal.on_config(crossing())
    disposal.on_state(state())
    wish = ordered(Decision("x", 0, "extend", 12.0), order())
    assert disposal.settle(wish, Shown(0, 0, 20, 0)) == (Decision("x", 1, "order one", 12.0), False)
    held_back, is_overruled = disposal.settle(wish, Shown(0, 0, 3, 0))
    assert (held_back.phase, is_overruled) == (0, True)
    unknown, is_overruled = disposal.settle(ordered(wish, order(phase=9)), Shown(0, 0, 20, 0))
    assert (unknown.phase, unknown.reason, is_overruled) == (0, "phase 9 is unknown: there are 2", True)
