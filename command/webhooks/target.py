"""Where a webhook may go: its address is looked up once, judged, and then used as it was judged.

Looking up again at the time of the call would let a name that first leads outside lead inside then.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from citybrain.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAT64 = ipaddress.ip_network("64:ff9b::/96")
LONGEST_URL = 2000


class Refused(Exception):
    """A target that is not to be called; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and the address that it was judged by."""

    url: str
    """As the webhook says, for the host's name and certificate."""
    pinned: str
    """The same with the address in place of the name."""
    host: str
    netloc: str


def networks(names: Sequence[str]) -> list[Network]:
    """The networks of `webhooks.allow_networks`; ConfigError names one that is none."""
    try:
        return [ipaddress.ip_network(name) for name in names]
    except ValueError as error:
        raise ConfigError(f"webhooks.allow_networks: {error}; write 10.1.0.0/16 or 10.1.2.3/32") from error


def check_url(url: str) -> str:
    """Its host; Refused where the URL itself cannot be."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("it is not a URL") from error
    if parts.scheme not in {"https", "http"} or not parts.hostname or len(url) > LONGEST_URL:
        raise Refused("it must be https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise Refused("it may hold no user, password or fragment")
    if any(ord(character) <= 32 or ord(character) > 126 for character in url):
        raise Refused("it may hold printable ASCII only")
    return parts.hostname


async def resolve(url: str, allowed: Sequence[Network]) -> Target:
    """The target of `url`; Refused where one of its addresses may not be called, or it has none."""
    host = check_url(url)
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = await _look_up(host, port)
    for address in addresses:
        if fault := judge(address, allowed, is_https=parts.scheme == "https"):
            raise Refused(fault)
    address = addresses[0]
    literal = f"[{address}]" if address.version == 6 else str(address)
    pinned = parts._replace(netloc=f"{literal}:{port}").geturl()
    return Target(url, pinned, host, parts.netloc)


def judge(address: Address, allowed: Sequence[Network], *, is_https: bool) -> str:
    """Why this address may not be called; empty if it may."""
    address = embedded(address)
    if any(address in network for network in allowed if network.version == address.version):
        return ""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return "it leads into a private network; see webhooks.allow_networks"
    return "" if is_https else "it must be https://"


def embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, if any: a private one is no better for being wrapped."""
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address


async def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.wait_for(
            asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM), 5
        )
    except (OSError, UnicodeError, TimeoutError) as error:
        raise Refused("its host has no address") from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
