"""Orders of people to signals: which one is in force, and what becomes of a decision under it.

Every order ends by itself, on release, or when another starts after it; while it lasts it is heard again and
again, so that a region that has just begun knows it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from citybrain.messages import OrderKind, SignalOrder
from citybrain.orders import MOST_AHEAD_S, MOST_OFF_S, MOST_S
from traffic.region import Decision

MOST_ORDERS = 10_000


class Orders:
    """The orders of one region's signals; instants are of the wall clock."""

    def __init__(self) -> None:
        self._held: dict[str, SignalOrder] = {}

    @property
    def held(self) -> Mapping[str, SignalOrder]:
        """By order, those to come and those that were released and could still be heard again."""
        return self._held

    def hear(self, order: SignalOrder, now: datetime) -> bool:
        """Take it in; False where it lasts too long, begins too late, or is one too many."""
        self._held = {id_: held for id_, held in self._held.items() if held.expires_at > now}
        if order.expires_at <= now:
            return True
        known = self._held.get(order.order)
        if known is not None and known.kind is OrderKind.RELEASE:
            return True  # an earlier word that comes late does not bring it back
        ahead, off = timedelta(seconds=MOST_AHEAD_S), timedelta(seconds=MOST_OFF_S)
        is_bounded = order.expires_at - order.starts_at <= timedelta(seconds=MOST_S)
        if not is_bounded or order.starts_at > now + ahead + off:
            return False
        if known is None and len(self._held) >= MOST_ORDERS:
            return False
        self._held[order.order] = order
        return True

    def in_force(self, intersection: str, now: datetime) -> SignalOrder | None:
        """The one that has started last, of those that last."""
        found = [
            order
            for order in self._held.values()
            if order.intersection == intersection
            and order.kind is not OrderKind.RELEASE
            and order.starts_at <= now < order.expires_at
        ]
        return max(found, key=lambda order: (order.starts_at, order.order), default=None)


def ordered(decision: Decision, order: SignalOrder) -> Decision:
    """The decision as a hold wants it; the rules have yet to judge it."""
    return replace(decision, phase=order.phase, reason=f"order {order.order}")
