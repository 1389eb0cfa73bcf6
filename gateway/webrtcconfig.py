"""Settings of calls from browsers: what they may reach, by which ways."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from gateway.section import Address, Positive, Section, Text

Url = Annotated[
    str,
    Field(
        pattern=r"^(stun:|turns?:)(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?"
        r"(\?transport=(udp|tcp))?$"
    ),
]


class IceServerConfig(Section):
    """A STUN server, or a TURN server, whose password is in the environment or in a file."""

    url: Url
    username: str = ""
    password_env: Text | None = None
    password_file: Text | None = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        given = (self.password_env is not None) + (self.password_file is not None)
        if self.url.startswith("turn") and (given != 1 or not self.username):
            raise ValueError(
                "a TURN server has a username, and exactly one of password_env and password_file"
            )
        if self.url.startswith("stun") and (given or self.username):
            raise ValueError("a STUN server has neither username nor password")
        return self


class WebRtcConfig(Section):
    """Calls from browsers."""

    enabled: bool = True
    host: Address = "127.0.0.1"
    public_ip: Address | None = None
    ice_servers: tuple[IceServerConfig, ...] = ()
    bitrate: Annotated[int, Field(ge=6_000, le=128_000)] = 24_000
    connect_s: Positive = 15
    silent_s: Positive = 15

    @field_validator("ice_servers")
    @classmethod
    def _one_of_each(cls, servers: tuple[IceServerConfig, ...]) -> tuple[IceServerConfig, ...]:
        kinds = [server.url.partition(":")[0].removesuffix("s") for server in servers]
        if len(set(kinds)) < len(kinds):
            raise ValueError("one STUN and one TURN server at most: no more are asked")
        return servers
