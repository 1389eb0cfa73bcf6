"""Whether a port can be had, asked before a process that is slow to start and to explain itself."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from gateway.errors import PortTaken


def bracketed(host: str) -> str:
    """As it stands before a port: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it. Names but ``localhost`` count as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def port_taken(error: OSError, *, section: str, host: str, port: int) -> PortTaken:
    """What a failed ``bind`` means, by the key to change: ``section.host`` or ``section.port``."""
    foreign = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
    if isinstance(error, socket.gaierror):
        why = "no such address"
    else:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
    key = f"{section}.{'host' if foreign else 'port'}"
    return PortTaken(key=key, where=f"{bracketed(host)}:{port}", why=why)


def check_free(*, section: str, host: str, port: int) -> None:
    """Raises ``PortTaken`` unless both UDP and TCP could be bound just now."""
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
            with socket.socket(family, kind) as probe:
                if kind == socket.SOCK_STREAM:  # connections that are long over do not count
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                if kind == socket.SOCK_STREAM:
                    probe.listen()
    except OSError as error:
        raise port_taken(error, section=section, host=host, port=port) from error


def check_ours(*, section: str, host: str, port: int = 0) -> None:
    """Raises ``PortTaken`` unless ``host`` is an address of this machine. ``port`` is not tried."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except OSError as error:
        raise port_taken(error, section=section, host=host, port=port) from error
