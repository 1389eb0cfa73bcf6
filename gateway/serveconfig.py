"""Settings of ``parley serve`` alone: its HTTP server, whom it admits, who answers what."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from gateway.admission import Rules
from gateway.routing import Route
from gateway.section import NotNegative, Port, Positive, Section, Text

IpNetwork: TypeAlias = IPv4Network | IPv6Network


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a network, as in 192.0.2.0/24") from error
    return text


Networks = tuple[Annotated[str, AfterValidator(_network)], ...]


class TlsConfig(Section):
    """Files in PEM: both, or neither."""

    cert: Text | None = None
    key: Text | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("a certificate needs its key, and a key its certificate")
        return self


class HttpConfig(Section):
    """The HTTP server. Port 0 takes any that is free."""

    host: Text = "127.0.0.1"
    port: Port = 8080
    tokens_file: Text | None = None
    proxies: Networks = ()
    cors: tuple[Annotated[str, Field(pattern=r"^https?://[^/\s]+$")], ...] = ()
    tls: TlsConfig = TlsConfig()

    def trusted(self) -> Sequence[IpNetwork]:
        """Of proxies that are believed when they say who asks."""
        return [ip_network(text) for text in self.proxies]


class DrainConfig(Section):
    """How the gateway stops."""

    seconds: NotNegative = 30


class AdmissionConfig(Section):
    """Who may call, and how fast."""

    allow: Networks = ("127.0.0.0/8", "::1/128")
    calls_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0
    burst: Positive = 20
    half_open: Positive = 16

    def rules(self) -> Rules:
        """As admission takes them."""
        return Rules(
            allow=tuple(ip_network(text) for text in self.allow),
            calls_per_second=self.calls_per_second,
            burst=self.burst,
            half_open=self.half_open,
        )


class RouteLimitsConfig(Section):
    """Bounds of the calls of a route; ``None`` leaves it to ``limits``."""

    no_input_ms: Positive | None = None
    no_input_prompts: NotNegative | None = None
    longest_call_s: Positive | None = None


class RouteConfig(Section):
    """Who answers a number; ``None`` is what the settings say for all calls."""

    number: Text = "*"
    persona: Text | None = None
    bot: Text | None = None
    calls: Positive | None = None
    recording: bool | None = None
    limits: RouteLimitsConfig = RouteLimitsConfig()

    def route(self) -> Route:
        """As routing takes it."""
        return Route(number=self.number, calls=self.calls)
