"""Settings of calls from browsers: what they may reach, by which ways."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from gateway.section import Address, Positive, Section, Text

_URL = re.compile(
    r"(?P<scheme>stun|turn|turns):(?P<host>[A-Za-z0-9.-]+)(:(?P<port>[0-9]{1,5}))?"
    r"(\?transport=(?P<transport>udp|tcp))?"
)


def _server(text: str) -> str:
    """What the WebRTC library can ask: it would pass over anything else, or fail in each call."""
    found = _URL.fullmatch(text)
    if found is None:
        bracketed = "; an IPv6 address needs a name" if "[" in text else ""
        raise ValueError(f"write stun:host, turn:host or turns:host, with :port{bracketed}")
    if found["port"] and not 0 < int(found["port"]) < 65_536:
        raise ValueError(f"there is no port {found['port']}")
    if found["scheme"] == "stun" and found["transport"]:
        raise ValueError("?transport= belongs to turn and turns")
    if found["scheme"] == "turns" and found["transport"] == "udp":
        raise ValueError("turns is TURN over TLS, which needs tcp")
    return text


class IceServerConfig(Section):
    """A STUN server, or a TURN server, whose password is in the environment or in a file.

    A ``secret`` in its place is shared with the server: names and passwords made of it run out,
    so that pages may have them.
    """

    url: Annotated[str, AfterValidator(_server)]
    username: Annotated[str, Field(pattern=r"^[!#-\[\]-~]*$")] = ""  # fits into a quoted text
    password_env: Text | None = None
    password_file: Text | None = None
    secret_env: Text | None = None
    secret_file: Text | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        proofs = (self.password_env, self.password_file, self.secret_env, self.secret_file)
        given = sum(one is not None for one in proofs)
        if self.url.startswith("stun"):
            if given or self.username:
                raise ValueError("a STUN server has neither username nor password")
        elif given != 1:
            raise ValueError(
                "a TURN server has exactly one of password_env, password_file, secret_env"
                " and secret_file"
            )
        elif not self.username and not self.shares_secret:
            raise ValueError("a TURN server with a password has a username")
        return self

    @property
    def shares_secret(self) -> bool:
        """Whether names and passwords are made anew for each call."""
        return self.secret_env is not None or self.secret_file is not None


class WebRtcConfig(Section):
    """Calls from browsers."""

    enabled: bool = True
    host: Address = "127.0.0.1"
    public_ip: Address | None = None
    ice_servers: tuple[IceServerConfig, ...] = ()
    bitrate: Annotated[int, Field(ge=6_000, le=128_000)] = 32_000
    connect_s: Positive = 15
    silent_s: Positive = 15

    @field_validator("ice_servers")
    @classmethod
    def _one_of_each(cls, servers: tuple[IceServerConfig, ...]) -> tuple[IceServerConfig, ...]:
        kinds = [server.url.partition(":")[0].removesuffix("s") for server in servers]
        if len(set(kinds)) < len(kinds):
            raise ValueError("one STUN and one TURN server at most: no more are asked")
        return servers
