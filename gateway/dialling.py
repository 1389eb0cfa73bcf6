"""What may be called: the number or URI of an outbound call, checked before anything is dialled.

Pure. A machine that dials whatever it is asked to is a way to other people's money.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.errors import ConfigError
from gateway.ports import is_loopback
from gateway.routing import number_of
from gateway.sipconfig import OutboundConfig

# No header fields (``?``), which would let whoever names the URI write into our request.
_URI = re.compile(
    r"sip:(?P<user>[A-Za-z0-9_.!~*'()%&=+$,;/#-]+)@(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?P<port>:[0-9]{1,5})?(?P<parameters>(;[A-Za-z0-9._~-]+(=[A-Za-z0-9._~:\[\]-]+)?)*)"
)
_TRANSPORTS = ("", "udp", "tcp")


@dataclass(frozen=True, slots=True)
class Target:
    """A SIP URI in its parts; ``host`` without brackets."""

    uri: str
    user: str
    host: str

    @property
    def names(self) -> tuple[str, ...]:
        """What a pattern may fit: the number, user and host, the whole."""
        return number_of(self.uri), f"{self.user}@{self.host}", self.uri


def target_of(uri: str) -> Target:
    """Take ``uri`` apart. Raises ``ConfigError`` unless it is ``sip:user@host``."""
    found = _URI.fullmatch(uri)
    if found is None:
        raise ConfigError(
            path=uri[:80] or "call", what="no SIP URI", remedy="write sip:1234@pbx.example"
        )
    transport = re.search(r";transport=([^;]*)", found["parameters"], re.IGNORECASE)
    if transport is not None and transport[1].lower() not in _TRANSPORTS:
        what = f"transport {transport[1]} is not spoken"
        raise ConfigError(path=uri[:80], what=what, remedy="there are udp and tcp")
    return Target(uri, found["user"], found["host"].strip("[]"))


def check_allowed(target: Target, outbound: OutboundConfig) -> None:
    """Raises ``ConfigError`` unless the settings let us call it."""
    if not outbound.enabled:
        raise ConfigError(
            path="sip.outbound.enabled",
            what="false: nothing is dialled",
            remedy="set sip.outbound.enabled=true",
        )
    if not _fits(target, outbound.allow):
        raise ConfigError(
            path="sip.outbound.allow",
            what=f"{target.uri} fits none of its patterns",
            remedy="add one, as in '+4930*' or '*@pbx.example'",
        )


def check_reachable(target: Target, *, host: str, proxied: bool) -> None:
    """Raises ``ConfigError`` if we are bound to loopback and it is elsewhere for certain."""
    if proxied or not is_loopback(host) or is_loopback(target.host):
        return
    try:
        ipaddress.ip_address(target.host)
    except ValueError:
        return  # a name: whoever looks it up will see
    raise ConfigError(
        path="sip.host",
        what=f"{host} reaches this machine alone, and {target.host} is another",
        remedy="set sip.host to an address of a network",
    )


def _fits(target: Target, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in target.names for pattern in patterns)
