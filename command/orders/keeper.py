"""Keeps the orders of people to signals, and tells `traffic` of those that last, again and again.

An order changes what is asked for, never what is allowed: the region's rules and each signal's edge judge
the commands that come of it. MQTT carries the order's id, not who gave it or why.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import encode
from citybrain.messages import OrderKind, SignalOrder
from command.database import Database, Row, act
from command.faults import ApiError
from command.orders.models import HoldStep, ManualWaveBody, ManualWaveView, OrderBody, OrderView
from command.principal import Principal, record
from command.trust.accounts import Connection

CONFIRM_WITHIN = timedelta(minutes=5)


class OrderKeeper:
    """Writes every act and its audit in one transaction, and publishes what was committed."""

    def __init__(self, database: Database, bus: Bus, site: str) -> None:
        self._database = database
        self._bus = bus
        self._site = site

    async def lasting(self) -> list[OrderView]:
        """In force or still to come, of all signals."""
        rows = await self._database.fetch("orders_lasting", {"now": datetime.now(UTC)})
        return msgspec.convert(rows, list[OrderView], strict=False)

    async def order(self, principal: Principal, intersection: str, body: OrderBody) -> OrderView:
        """A new order at a signal; ApiError 409 where somebody's is not over."""
        now = datetime.now(UTC)
        async with self._database.transaction() as connection:
            await _free(connection, [intersection], now)
            row = await _add(
                connection, principal, now, intersection=intersection, kind=body.kind, phase=body.phase,
                starts_at=now, expires_at=now + timedelta(minutes=body.minutes), reason=body.reason,
                wave=None,
            )  # fmt: skip
            await record(
                connection, principal, "signal.ordered", f"intersection/{intersection}",
                {"order": str(row["id"]), "kind": body.kind, "phase": body.phase, "minutes": body.minutes,
                 "reason": body.reason},
            )  # fmt: skip
        self._say(row)
        return msgspec.convert(row | {"ordered_by": principal.name}, OrderView, strict=False)

    async def release(self, principal: Principal, intersection: str, reason: str) -> int:
        """End what is ordered at a signal; how many orders that were. ApiError 404 where there is none."""
        async with self._database.transaction() as connection:
            rows = await _end(connection, principal, reason, intersection=intersection)
            if not rows:
                raise ApiError(404, f"nobody has an order at {intersection!r}", "intersection")
            await record(
                connection, principal, "signal.released", f"intersection/{intersection}",
                {"orders": [str(row["id"]) for row in rows], "reason": reason},
            )  # fmt: skip
        for row in rows:
            self._say(row, is_over=True)
        return len(rows)

    async def waves(self, principal: Principal, wave: UUID | None = None) -> list[ManualWaveView]:
        """Manual green waves that wait or last; or the one of this id, whatever became of it."""
        rows = await self._database.fetch("manual_waves", {"id": wave, "now": datetime.now(UTC)})
        seen = [row | {"is_own": row["asked_by_id"] == principal.id} for row in rows]
        return msgspec.convert(seen, list[ManualWaveView], strict=False)

    async def ask(self, principal: Principal, body: ManualWaveBody) -> UUID:
        """A green wave that somebody else has yet to confirm; nothing is said to any signal."""
        now, wave = datetime.now(UTC), uuid4()
        async with self._database.transaction() as connection:
            await act(
                connection,
                "manual_wave_ask",
                {"id": wave, "holds": msgspec.json.encode(body.holds).decode(), "reason": body.reason,
                 "by": principal.id, "now": now, "lapses_at": now + CONFIRM_WITHIN},
            )  # fmt: skip
            await record(
                connection, principal, "manual_wave.asked", f"manual_wave/{wave}",
                {"intersections": [hold.intersection for hold in body.holds], "reason": body.reason},
            )  # fmt: skip
        return wave

    async def confirm(self, principal: Principal, wave: UUID) -> None:
        """A second person agrees: its holds begin. ApiError 409 for the same person, too late, or no more."""
        now = datetime.now(UTC)
        async with self._database.transaction() as connection:
            row = await _held(connection, wave)
            if row["asked_by"] == principal.id:
                raise ApiError(409, "who asked for a green wave cannot confirm it: somebody else must")
            if row["confirmed_at"] is not None or row["ended_at"] is not None:
                raise ApiError(409, "this green wave was confirmed or withdrawn already")
            if row["lapses_at"] <= now:
                raise ApiError(409, "this green wave was not confirmed in time: ask for it again")
            holds = msgspec.convert(row["holds"], list[HoldStep])
            await _free(connection, [hold.intersection for hold in holds], now)
            await act(connection, "manual_wave_confirm", {"id": wave, "by": principal.id, "now": now})
            orders = []
            for hold in holds:
                starts_at = now + timedelta(seconds=hold.after_s)
                order = await _add(
                    connection, principal, now, intersection=hold.intersection, kind="hold", phase=hold.phase,
                    starts_at=starts_at, expires_at=starts_at + timedelta(seconds=hold.lasts_s),
                    reason=row["reason"], wave=wave,
                )  # fmt: skip
                orders.append(order)
            await record(
                connection, principal, "manual_wave.confirmed", f"manual_wave/{wave}",
                {"orders": [str(order["id"]) for order in orders]},
            )  # fmt: skip
        for order in orders:
            self._say(order)

    async def end(self, principal: Principal, wave: UUID, reason: str) -> None:
        """Withdraw a green wave, or release all that it still holds. ApiError 409 where it has ended."""
        now = datetime.now(UTC)
        async with self._database.transaction() as connection:
            row = await _held(connection, wave)
            if row["ended_at"] is not None:
                raise ApiError(409, "this green wave has ended already")
            rows = await _end(connection, principal, reason, wave=wave)
            await act(
                connection, "manual_wave_end",
                {"id": wave, "by": principal.id, "now": now, "reason": reason},
            )  # fmt: skip
            await record(
                connection, principal, "manual_wave.ended", f"manual_wave/{wave}", {"reason": reason}
            )
        for order in rows:
            self._say(order, is_over=True)

    async def repeat(self) -> None:
        """Tell again of all that last, so that a region that has just started knows them, and of releases."""
        for row in await self._database.fetch("orders_to_tell", {"now": datetime.now(UTC)}):
            self._say(row, is_over=row["ended_at"] is not None)

    def _say(self, row: Row, *, is_over: bool = False) -> None:
        order = SignalOrder(
            at=datetime.now(UTC),
            intersection=row["intersection"],
            order=str(row["id"]),
            kind=OrderKind.RELEASE if is_over else OrderKind(row["kind"]),
            phase=row["phase"] or 0,
            starts_at=row["starts_at"],
            expires_at=row["expires_at"],
        )
        topic = topics.build(self._site, "signal", order.intersection, "order")
        self._bus.publish_now(topic, encode(order), 1)


async def _free(connection: Connection, intersections: list[str], now: datetime) -> None:
    """Nobody's order at one of these signals lasts; none is added before this transaction ends."""
    await act(connection, "orders_lock")
    blocking = await act(connection, "order_blocking", {"intersections": intersections, "now": now})
    if blocking:
        (row,) = blocking
        until = row["expires_at"].strftime("%H:%M:%S")
        raise ApiError(
            409,
            f"{row['intersection']}: {row['ordered_by']} has an order there until {until} UTC; release it",
        )


async def _add(connection: Connection, by: Principal, now: datetime, **values: object) -> Row:
    (row,) = await act(connection, "order_add", {"id": uuid4(), "by": by.id, "now": now, **values})
    return row


async def _end(
    connection: Connection,
    by: Principal,
    reason: str,
    *,
    intersection: str | None = None,
    wave: UUID | None = None,
) -> list[Row]:
    named = {"intersection": intersection, "wave": wave}
    await act(connection, "orders_lock")
    return await act(
        connection, "order_end", {"by": by.id, "now": datetime.now(UTC), "reason": reason, **named}
    )


async def _held(connection: Connection, wave: UUID) -> Row:
    found = await act(connection, "manual_wave_hold", {"id": wave})
    if not found:
        raise ApiError(404, "there is no such green wave", "wave")
    return found[0]
