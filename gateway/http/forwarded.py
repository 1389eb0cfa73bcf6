"""Who asks where a proxy of ours stands between: ``X-Forwarded-For``, if it is believed."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.source import address_of

Network: TypeAlias = IPv4Network | IPv6Network


def forwarded(proxies: Sequence[Network]) -> Middleware:
    """From here on ``request.remote`` is whom the nearest of ``proxies`` had its request from."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        told = ",".join(request.headers.getall("X-Forwarded-For", ()))
        source = behind(proxies, remote=request.remote or "", told=told)
        return await handler(request if source is None else request.clone(remote=source))

    return middleware


def behind(proxies: Sequence[Network], *, remote: str, told: str) -> str | None:
    """The address before the last proxy of ours; ``None`` if ``remote`` is to be left as it is.

    Each proxy writes whom it sees behind what it was told, so only the end can be believed: it is
    read from there, up to the first address that is not one of ours.
    """
    source: str | None = None
    here = address_of(remote)
    for word in reversed(told.split(",")):
        if here is None or not any(here in network for network in proxies):
            break
        here = address_of(word.strip())
        if here is None:  # what our own proxy did not write
            break
        source = str(here)
    return source
