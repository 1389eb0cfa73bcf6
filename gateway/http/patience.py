"""How many connections there may be, and how long one may say nothing.

Each is a file descriptor, of which calls need some, too; and whoever asks nothing cannot be known.
A proxy in front has limits of its own.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler

MOST = 256  # connections at once; the newest gives way
FIRST_S = 10.0  # from the beginning of a connection to its first request
IDLE_S = 75.0  # between two requests


class Patience:
    """Of one server; ``middleware`` is its outermost."""

    def __init__(self) -> None:
        self._waiting: dict[RequestHandler, asyncio.TimerHandle] = {}

    def keep(self, server: web.Server) -> None:
        """From now on, for every new connection."""
        noted = server.connection_made

        def made(handler: RequestHandler, transport: asyncio.Transport) -> None:
            noted(handler, transport)
            if len(server.connections) > MOST:
                transport.abort()
                return
            loop = asyncio.get_running_loop()
            self._waiting[handler] = loop.call_later(FIRST_S, self._end, handler, transport)

        server.connection_made = made  # type: ignore[method-assign]

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Notes that something was asked."""
        self._asked(request.protocol)
        return await handler(request)

    def _asked(self, protocol: RequestHandler) -> None:
        if (timer := self._waiting.pop(protocol, None)) is not None:
            timer.cancel()

    def _end(self, protocol: RequestHandler, transport: asyncio.Transport) -> None:
        self._asked(protocol)
        transport.abort()
