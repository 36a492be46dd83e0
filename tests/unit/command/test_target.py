"""Where webhooks may go."""

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from command.webhooks import target
from command.webhooks.courier import signature
from command.webhooks.target import Refused


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://10.0.0.1/", "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://[fe80::1]/", "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
        "https://0.0.0.0/", "https://100.64.0.1/", "https://224.0.0.1/", "https://2130706433/",
        "https://0x7f.1/", "http://93.184.215.14/", "ftp://93.184.215.14/", "https://user:x@93.184.215.14/",
        "https://no-such-host.invalid/", "https:///", "nonsense", "https://93.184.215.14/\r\nx: y",
    ],
)  # fmt: skip
def test_what_leads_into_a_private_network_or_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        asyncio.run(target.resolve(url, []))


def test_a_public_address_is_pinned_as_it_was_judged() -> None:
    found = asyncio.run(target.resolve("https://93.184.215.14:8443/hook?x=1", []))
    assert (found.pinned, found.host) == ("https://93.184.215.14:8443/hook?x=1", "93.184.215.14")


def test_an_allowed_network_may_be_called_even_by_http_and_no_other() -> None:
    allowed = target.networks(["10.1.0.0/16"])
    assert asyncio.run(target.resolve("http://10.1.2.3/x", allowed)).pinned == "http://10.1.2.3:80/x"
    with pytest.raises(Refused):
        asyncio.run(target.resolve("http://10.2.2.3/x", allowed))
    with pytest.raises(ConfigError, match="allow_networks"):
        target.networks(["10.1.0.0/99"])


@given(st.ip_addresses(v=4).filter(lambda address: not address.is_global))
def test_no_private_address_gets_through_in_the_clothes_of_another_family(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    for clothed in (
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
    ):
        assert target.judge(clothed, [], is_https=True), clothed


def test_a_signature_is_of_the_time_and_the_body() -> None:
    one = signature("secret", 1, b"{}")
    assert one.startswith("t=1,v1=")
    assert (
        len({one, signature("secret", 2, b"{}"), signature("secret", 1, b"[]"), signature("s", 1, b"{}")})
        == 4
    )
