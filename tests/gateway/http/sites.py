"""A site on loopback for tests, and a client of it."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count

import aiohttp
from aiohttp import web

from gateway.http import login
from gateway.http.attempts import Attempts
from gateway.http.forwarded import Network
from gateway.http.guard import Guard
from gateway.http.sessions import Sessions
from gateway.http.site import Site
from gateway.http.tokens import Scope, TokenConfig, Tokens

ALL = {"reader": (Scope.READ,), "caller": (Scope.CALL,), "boss": (Scope.ADMIN,)}


def tokens(named: Mapping[str, tuple[Scope, ...]] | None = None) -> Tokens:
    """Tokens that are their own names."""
    return Tokens(
        [
            TokenConfig(name=name, sha256=hashlib.sha256(name.encode()).hexdigest(), scopes=scopes)
            for name, scopes in (ALL if named is None else named).items()
        ]
    )


def sessions() -> Sessions:
    """At time 0, with the words ``s1``, ``s2`` …"""
    words = count(1)
    return Sessions(now=lambda: 0.0, new=lambda: f"s{next(words)}")


def site(
    routes: Iterable[web.AbstractRouteDef],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    known: Tokens | None = None,
    cors: tuple[str, ...] = (),
    tls: ssl.SSLContext | None = None,
    proxies: Sequence[Network] = (),
) -> Site:
    """Not started; ``/login`` is there, too. Time stands still."""
    opened = sessions()
    tried = None if known is None else Attempts(known, now=lambda: 0.0)
    guard = Guard(tokens=tried, sessions=opened, cors=cors)
    every = [*routes, *login.routes(tried, opened)]
    return Site(every, host=host, port=port, guard=guard, tls=tls, proxies=proxies)


@asynccontextmanager
async def client(
    routes: Iterable[web.AbstractRouteDef],
    *,
    known: Tokens | None = None,
    cors: tuple[str, ...] = (),
    proxies: Sequence[Network] = (),
) -> AsyncIterator[aiohttp.ClientSession]:
    """Of a site that is served inside."""
    here = site(routes, known=known, cors=cors, proxies=proxies)
    await here.start()
    try:
        # Cookies of an IP address are kept only by a jar that is told so.
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(here.url, cookie_jar=jar) as session:
            yield session
    finally:
        await here.close()
