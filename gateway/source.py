"""Where something comes from: an address, and what is counted as one caller. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


def address_of(text: str) -> Address | None:
    """The address that ``text`` is, ``None`` if it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A socket for both protocols reports IPv4 peers so (RFC 4291 section 2.5.5.2).
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def counted_as(address: Address) -> str:
    """Whose bucket it takes from: in IPv6 a whole /64 is one caller's."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), 64), strict=False))
    return str(address)
