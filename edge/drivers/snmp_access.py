"""How a device is spoken to over SNMP: by a community (versions 1, 2c), or by a user with keys (3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

TIMEOUT_S = 1.0
RETRIES = 1

AUTHENTICATION = {
    "sha": "usmHMACSHAAuthProtocol",
    "sha224": "usmHMAC128SHA224AuthProtocol",
    "sha256": "usmHMAC192SHA256AuthProtocol",
    "sha384": "usmHMAC256SHA384AuthProtocol",
    "sha512": "usmHMAC384SHA512AuthProtocol",
}
"""RFC 3414 and RFC 7860."""
PRIVACY = {
    "aes128": "usmAesCfb128Protocol",
    "aes192": "usmAesCfb192Protocol",
    "aes256": "usmAesCfb256Protocol",
}
"""RFC 3826, and its extension to longer keys that controllers know."""

Pairs = Sequence[tuple[tuple[int, ...], Any]]
Answer = tuple[Any, Any, Any, Any]
"""What failed, the error's number and place, and the pairs that were found."""


class Session(Protocol):
    """An open way to one device."""

    async def ask(self, what: str, pairs: Pairs) -> Answer:
        """`what` is get or set."""

    def close(self) -> None: ...


class Access(Protocol):
    """What opens one; raises whatever the network says."""

    async def open(self, address: tuple[str, int]) -> Session: ...


@dataclass(frozen=True, slots=True)
class Community:
    """Version "1" or "2c"; anybody on the way can read the community and use it."""

    name: str = field(repr=False)
    version: str = "1"

    async def open(self, address: tuple[str, int]) -> Session:
        from pysnmp.hlapi.v1arch import asyncio as v1

        target = await v1.UdpTransportTarget.create(address, timeout=TIMEOUT_S, retries=RETRIES)
        data = v1.CommunityData(self.name, mpModel=0 if self.version == "1" else 1)
        return _ByCommunity(v1, v1.SnmpDispatcher(), data, target)


@dataclass(frozen=True, slots=True)
class User:
    """Version 3, authPriv: every message is signed and encrypted, and an old one is not taken again."""

    name: str
    auth_key: str = field(repr=False)
    privacy_key: str = field(repr=False)
    auth: str = "sha256"
    privacy: str = "aes128"

    async def open(self, address: tuple[str, int]) -> Session:
        from pysnmp.hlapi.v3arch import asyncio as v3

        target = await v3.UdpTransportTarget.create(address, timeout=TIMEOUT_S, retries=RETRIES)
        data = v3.UsmUserData(
            self.name,
            self.auth_key,
            self.privacy_key,
            authProtocol=getattr(v3, AUTHENTICATION[self.auth]),
            privProtocol=getattr(v3, PRIVACY[self.privacy]),
        )
        return _ByUser(v3, v3.SnmpEngine(), data, target)


class _ByCommunity:
    def __init__(self, library: Any, dispatcher: Any, data: Any, target: Any) -> None:
        self._commands = {"get": library.get_cmd, "set": library.set_cmd}
        self._dispatcher = dispatcher
        self._parts = (dispatcher, data, target)

    async def ask(self, what: str, pairs: Pairs) -> Answer:
        answer: Answer = await self._commands[what](*self._parts, *pairs)
        return answer

    def close(self) -> None:
        self._dispatcher.close()


class _ByUser:
    def __init__(self, library: Any, engine: Any, data: Any, target: Any) -> None:
        self._commands = {"get": library.get_cmd, "set": library.set_cmd}
        self._engine = engine
        self._parts = (engine, data, target, library.ContextData())

    async def ask(self, what: str, pairs: Pairs) -> Answer:
        # Objects are known by number on both sides: no MIB is asked for their names.
        answer: Answer = await self._commands[what](*self._parts, *pairs, lookupMib=False)
        return answer

    def close(self) -> None:
        self._engine.close_dispatcher()
