"""The HTTP server of the process."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence

from aiohttp import web

from gateway.http.forwarded import Network, forwarded
from gateway.http.guard import Guard
from gateway.http.patience import IDLE_S, Patience
from gateway.http.problem import problems
from gateway.ports import bracketed, check_ours, port_taken

BODY = 1 << 20  # bytes of a request's body at most
CLOSE_S = 2.0  # how long a request that is being answered may go on


class Site:
    """Listens on ``host`` and ``port``; port 0 takes any that is free. ``proxies`` are believed."""

    def __init__(
        self,
        routes: Iterable[web.AbstractRouteDef],
        *,
        host: str,
        port: int,
        guard: Guard,
        tls: ssl.SSLContext | None = None,
        proxies: Sequence[Network] = (),
    ) -> None:
        self._patience = Patience()
        middlewares = [
            self._patience.middleware,
            problems,
            forwarded(proxies),
            guard.middleware,
        ]
        app = web.Application(client_max_size=BODY, middlewares=middlewares)
        app.on_response_prepare.append(guard.finish)
        app.add_routes(routes)
        # Health checks would fill an access log with nothing.
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=CLOSE_S,
            keepalive_timeout=IDLE_S,
            handler_cancellation=True,  # who has gone gives up the seat it waits for
            auto_decompress=False,  # no body here is large; unpacked it could be
        )
        self._host, self._port, self._tls = host, port, tls

    @property
    def router(self) -> web.UrlDispatcher:
        """Which routes there are."""
        return self._runner.app.router

    async def start(self) -> None:
        """Raises ``PortTaken``."""
        # From Python 3.13 on asyncio does not tell an address that is not ours from a port taken.
        check_ours(section="http", host=self._host, port=self._port)
        await self._runner.setup()
        assert self._runner.server is not None
        self._patience.keep(self._runner.server)
        try:
            site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls)
            await site.start()
        except OSError as error:
            await self.close()
            raise port_taken(error, section="http", host=self._host, port=self._port) from error

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end. Valid once started."""
        port = self._runner.addresses[0][1]
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{bracketed(self._host)}:{port}"

    async def close(self) -> None:
        """May be called twice, and before ``start``."""
        await self._runner.cleanup()
