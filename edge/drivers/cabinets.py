"""Which driver a signal has, by its settings."""

from pathlib import Path

from citybrain.config import Settings, Signal
from citybrain.errors import ConfigError
from edge.drivers.driver import Cabinet
from edge.drivers.snmp_access import Access, Community, User
from edge.wiring import Wiring, read_wiring

SNMP_PORT = 161


def open_cabinet(settings: Settings, intersection: str) -> Cabinet:
    """The driver of `intersection`; not yet connected.

    Raises:
        ConfigError: the settings or the wiring are incomplete or unsafe.
    """
    signal = settings.signals.get(intersection, Signal())
    if signal.driver == "sumo":
        from edge.drivers.sumo import SumoCabinet

        return SumoCabinet(settings.street, intersection)
    wiring = _wiring(signal, intersection)
    if not signal.address:
        raise ConfigError(f"signals.{intersection}.address is required: host:port of the {signal.driver}")
    if signal.driver == "ntcip1202":
        from edge.drivers.ntcip1202 import NtcipCabinet
        from edge.drivers.snmp import Snmp

        host, port = host_and_port(signal.address, SNMP_PORT)
        access = _access(signal)

        def open_snmp() -> Snmp:
            return Snmp(host, port, access)

        return NtcipCabinet(wiring, open_snmp, signal.pattern)
    from edge.drivers.relay import RelayCabinet

    return RelayCabinet(wiring, signal.address)


def _access(signal: Signal) -> Access:
    if signal.snmp_version != "3":
        return Community(signal.community, signal.snmp_version)
    return User(
        signal.snmp_user, signal.snmp_auth_key, signal.snmp_privacy_key, signal.snmp_auth, signal.snmp_privacy
    )


def host_and_port(address: str, default: int) -> tuple[str, int]:
    """The parts of `host:port`; raises ConfigError."""
    host, _, port = address.partition(":")
    if not host or (port and not port.isdecimal()):
        raise ConfigError(f"{address!r} is no host:port")
    return host, int(port or default)


def _wiring(signal: Signal, intersection: str) -> Wiring:
    if not signal.wiring:
        raise ConfigError(f"signals.{intersection}.wiring is required: the JSON file of its wiring")
    return read_wiring(Path(signal.wiring), intersection)
