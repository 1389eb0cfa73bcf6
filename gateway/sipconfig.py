"""Settings of the SIP side: where it listens, what it speaks, where it registers, whom it calls."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.section import Address, NotNegative, Positive, Section, Text

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.!%*_+`'~-]+$")]  # RFC 3261, token
Server = Annotated[
    str,
    Field(
        pattern=r"^sip:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(;transport=(udp|tcp))?$"
    ),
]
User = Annotated[str, Field(pattern=r"^[A-Za-z0-9+._~*#!$&'()=-]+$")]
PORTS_PER_WORKER = 8  # for two calls, and for two of its successor


class RegistrationConfig(Section):
    """An account with a registrar. The password is in the environment or in a file."""

    registrar: Server
    user: User
    realm: Text = "*"
    password_env: Text | None = None
    password_file: Text | None = None
    expires_s: NotNegative = 300
    proxy: Server | None = None

    @field_validator("expires_s")
    @classmethod
    def _long_enough(cls, expires_s: int) -> int:
        if 0 < expires_s < 30:
            raise ValueError("at least 30, or 0 for an account that only dials")
        return expires_s

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password_env is None) == (self.password_file is None):
            raise ValueError("an account has exactly one of password_env and password_file")
        return self

    @property
    def name(self) -> str:
        """As people know it."""
        return f"{self.user} at {self.registrar}"


class OutboundConfig(Section):
    """Calls that we make. Off by default: whoever can dial can spend money."""

    enabled: bool = False
    account: User | None = None
    proxy: Server | None = None
    allow: tuple[Text, ...] = ("*",)
    ring_s: Positive = 60


class SipConfig(Section):
    """Calls over SIP, UDP and TCP on the same port."""

    enabled: bool = True
    host: Text = "127.0.0.1"
    port: Annotated[int, Field(gt=0, le=65_535)] = 5060
    public_ip: Address | None = None
    workers: Annotated[int, Field(ge=1, le=16)] = 1
    rtp_port_min: Annotated[int, Field(ge=1_024, le=65_534)] = 20_000
    rtp_port_max: Annotated[int, Field(ge=1_025, le=65_535)] = 20_999
    codecs: Annotated[tuple[Literal["PCMU", "PCMA", "G722"], ...], Field(min_length=1)] = (
        "PCMU",
        "PCMA",
    )
    early_media: bool = False
    headers: tuple[HeaderName, ...] = ("P-Asserted-Identity", "Diversion")
    registrations: tuple[RegistrationConfig, ...] = ()
    outbound: OutboundConfig = OutboundConfig()
    allow_unhardened: bool = False

    @field_validator("codecs")
    @classmethod
    def _once_each(cls, codecs: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(codecs)) < len(codecs):
            raise ValueError("each codec once")
        return codecs

    @model_validator(mode="after")
    def _one_family(self) -> Self:
        if self.public_ip is not None and (":" in self.public_ip) != (":" in self.host):
            raise ValueError("public_ip and host must both be IPv4, or both IPv6")
        return self

    @model_validator(mode="after")
    def _ports_enough(self) -> Self:
        if self.rtp_port_max <= self.rtp_port_min:
            raise ValueError("rtp_port_max must be above rtp_port_min")
        count = self.rtp_port_max - self.rtp_port_min + 1
        if count < PORTS_PER_WORKER * self.workers:
            raise ValueError(
                f"{count} ports from rtp_port_min to rtp_port_max are too few for workers:"
                f" each needs {PORTS_PER_WORKER} at least"
            )
        if self.port + 2 * (self.workers - 1) > 65_535:
            raise ValueError("port is too high for so many workers")
        return self

    @model_validator(mode="after")
    def _known_account(self) -> Self:
        users = [registration.user for registration in self.registrations]
        if len(set(users)) < len(users):
            raise ValueError("registrations: each user once")
        account = self.outbound.account
        if account is not None and account not in users:
            raise ValueError(f"outbound.account: no user {account!r} among registrations")
        return self

    @property
    def rate(self) -> int:
        """Of the sound between us and the SIP library, in hertz: G.722 alone has more than 8000."""
        return 16_000 if "G722" in self.codecs else 8_000
