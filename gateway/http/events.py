"""``GET /v1/events``: server-sent events (WHATWG HTML, section 9.2), one for each fact of a call.

There is no history: who wants calls that are up already asks ``/v1/calls`` after subscribing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from aiohttp import web

from gateway.bus import EventBus, Subscription
from gateway.http.problem import Problem

HEARTBEAT_S = 15.0  # proxies end connections on which nothing moves for a minute
WRITE_S = 30.0  # a reader who takes nothing for so long is let go
MOST = 64  # readers at once
FULL = {"Retry-After": "10"}


def routes(bus: EventBus, *, heartbeat_s: float = HEARTBEAT_S) -> Sequence[web.RouteDef]:
    """The one route."""

    readers: set[Subscription] = set()  # of the bus there are others, too: calls' own pages

    async def events(request: web.Request) -> web.StreamResponse:
        if len(readers) >= MOST:
            raise Problem(503, f"{MOST} read events already", headers=FULL)
        with bus.subscribe(call_id=request.query.get("call_id")) as subscription:
            readers.add(subscription)
            try:
                return await told(request, subscription)
            finally:
                readers.remove(subscription)

    async def told(request: web.Request, subscription: Subscription) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # else nginx keeps events back
            }
        )
        await response.prepare(request)
        awake = await _tell(response, subscription, heartbeat_s=heartbeat_s)
        if not awake and request.transport is not None:
            request.transport.abort()  # else its end would wait for it to read on
        return response

    return [web.get("/v1/events", events, allow_head=False)]


async def _tell(
    response: web.StreamResponse, subscription: Subscription, *, heartbeat_s: float
) -> bool:
    """Until there is nothing more to tell; false if the reader is gone or asleep."""
    chunk, dropped = "retry: 2000\n\n", 0
    try:
        while True:
            async with asyncio.timeout(WRITE_S):
                await response.write(chunk.encode())
            try:
                async with asyncio.timeout(heartbeat_s):
                    event = await anext(subscription)
            except TimeoutError:
                chunk = ": still here\n\n"
                continue
            chunk = f"data: {event.line()}\n\n"
            if subscription.dropped > dropped:
                lost = json.dumps({"dropped": subscription.dropped - dropped})
                chunk, dropped = f"event: dropped\ndata: {lost}\n\n{chunk}", subscription.dropped
    except StopAsyncIteration:
        return True
    except (TimeoutError, ConnectionError):
        return False
