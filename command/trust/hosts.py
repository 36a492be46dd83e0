"""Names and addresses of hosts: which mean this machine."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host of a URL, or an address, is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
