"""SNMP with one device: read and set whole numbers by object identifier, in the caller's own thread."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from citybrain.errors import ConfigError, Unavailable
from edge.drivers.snmp_access import Access, Session

Oid = tuple[int, ...]

MOST_AT_ONCE = 30
"""Objects in one request: the answer of a controller must fit one datagram (484 bytes at least)."""


class Snmp:
    """One device at `host`:`port`; not for several threads. Close it after use."""

    def __init__(self, host: str, port: int, access: Access) -> None:
        self.where = f"{host}:{port}"
        self._address = (host, port)
        self._access = access
        self._loop = asyncio.new_event_loop()
        self._session: Session | None = None

    def get(self, oids: Iterable[Oid]) -> dict[Oid, int]:
        """The value of each object.

        Raises:
            Unavailable: the device does not answer.
            ConfigError: it does not have one of them, or not as a number.
        """
        wanted = list(oids)
        found: dict[Oid, int] = {}
        for start in range(0, len(wanted), MOST_AT_ONCE):
            found |= self._loop.run_until_complete(
                self._ask("get", dict.fromkeys(wanted[start : start + MOST_AT_ONCE]))
            )
        return found

    def set(self, values: Mapping[Oid, int]) -> None:
        """Set all objects of one request, or none.

        Raises:
            Unavailable: the device does not answer.
            ConfigError: it refuses; the text names the object.
        """
        self._loop.run_until_complete(self._ask("set", values))

    def close(self) -> None:
        """Let go of the socket."""
        if self._session is not None:
            self._session.close()
            self._session = None
        # The transport and the library's own timer say goodbye on the next turn of the loop.
        self._loop.run_until_complete(_settle())

    def end(self) -> None:
        """Close it for good."""
        self.close()
        self._loop.close()

    async def _ask(self, what: str, objects: Mapping[Oid, int | None]) -> dict[Oid, int]:
        from pysnmp.proto.rfc1902 import Integer32, Null

        if not objects:
            return {}
        session = await self._opened()
        pairs = [(oid, Null("") if value is None else Integer32(value)) for oid, value in objects.items()]
        try:
            failure, status, index, found = await session.ask(what, pairs)
        except OSError as error:
            raise Unavailable(f"no SNMP device answers at {self.where}: {error}") from error
        if failure:
            raise Unavailable(f"no SNMP device answers at {self.where}: {failure}")
        if int(status):
            oid = ".".join(map(str, list(objects)[max(int(index) - 1, 0)]))
            raise ConfigError(f"the controller at {self.where} refuses to {what} {oid}: error {int(status)}")
        return {tuple(oid): _number(value, self.where, oid) for oid, value in found}

    async def _opened(self) -> Session:
        if self._session is None:
            try:
                self._session = await self._access.open(self._address)
            except Exception as error:
                raise Unavailable(f"the controller {self.where} cannot be found: {error}") from error
        return self._session


async def _settle() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _number(value: Any, where: str, oid: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the controller at {where} has no number at {oid}") from error
