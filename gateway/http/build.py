"""The HTTP server of the settings: which routes there are, and who may ask for them."""

from __future__ import annotations

import asyncio
import functools
import secrets
from collections.abc import Iterable
from typing import Protocol

from aiohttp import web

from gateway.bus import EventBus
from gateway.callfolders import CallStore
from gateway.http import artefacts, calls, dial, events, health, login, metrics, openapi, page
from gateway.http.attempts import Attempts
from gateway.http.calls import LiveCalls
from gateway.http.dial import Dials
from gateway.http.guard import Guard
from gateway.http.sessions import Sessions
from gateway.http.site import Site
from gateway.http.tls import context
from gateway.http.tokens import tokens_for
from gateway.readiness import Readiness
from gateway.serveconfig import HttpConfig
from gateway.telemetry import Telemetry


class Served(LiveCalls, Dials, Protocol):
    """What the routes ask of a gateway."""

    @property
    def bus(self) -> EventBus:
        """What its calls note."""

    @property
    def telemetry(self) -> Telemetry:
        """What it counts."""

    @property
    def readiness(self) -> Readiness:
        """How it stands."""


def build(
    http: HttpConfig,
    *,
    gateway: Served,
    store: CallStore,
    more: Iterable[web.RouteDef] = (),
) -> Site:
    """A site that does not listen yet; ``more`` are routes of legs. Raises ``ConfigError``."""
    known, now = tokens_for(http), asyncio.get_running_loop().time
    tokens = None if known is None else Attempts(known, now=now)
    sessions = Sessions(now=now, new=functools.partial(secrets.token_urlsafe, 32))

    def readiness() -> Readiness:
        return gateway.readiness

    routes = [
        *health.routes(readiness),
        *login.routes(tokens, sessions),
        *calls.routes(gateway, store),
        *dial.routes(gateway),
        *artefacts.routes(gateway, store),
        *events.routes(gateway.bus),
        *metrics.routes(gateway.telemetry, readiness=readiness, bus=gateway.bus),
        *openapi.routes(),
        *page.routes(),
        *more,
    ]
    guard = Guard(tokens=tokens, sessions=sessions, cors=http.cors)
    return Site(
        routes,
        host=http.host,
        port=http.port,
        guard=guard,
        tls=context(http.tls),
        proxies=http.trusted(),
    )
