"""``/v1/calls``: the calls that are up and those that are over, and hanging up.

Times are samples at 16 kHz, as in the files of a call (``docs/call-folder.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from aiohttp import web

from gateway.callfolders import CallStore
from gateway.http.listing import query_of
from gateway.http.problem import Problem


class LiveCalls(Protocol):
    """The calls that are up."""

    def live(self) -> Sequence[dict[str, Any]]:
        """What ``call.json`` will begin with, of each."""

    def hang_up(self, call_id: str) -> bool:
        """End a call that is up; whether there is one of that id."""


def routes(live: LiveCalls, store: CallStore) -> Sequence[web.RouteDef]:
    """List, look, hang up."""

    async def listed(request: web.Request) -> web.Response:
        asked = query_of(request.query)
        # Before the store: a call that ends meanwhile is in one of the two at least.
        up = [{**call, "live": True} for call in live.live()]
        up = [call for call in up if asked.has(call["call_id"]) and asked.fits(call)]
        ids = {call["call_id"] for call in up}
        over = await store.newest(replace(asked, most=asked.most + 1))
        calls = up + [call for call in over if call["call_id"] not in ids]
        calls.sort(key=lambda call: str(call["call_id"]), reverse=True)
        more = calls[asked.most - 1]["call_id"] if len(calls) > asked.most else None
        return web.json_response({"calls": calls[: asked.most], "next": more})

    async def one(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        for call in live.live():
            if call["call_id"] == call_id:
                return web.json_response({**call, "live": True})
        found = await store.call(call_id)
        if found is None:
            raise no_call()
        return web.json_response(found)

    async def hang_up(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        if live.hang_up(call_id):
            return web.Response(status=204)
        if await store.folder(call_id) is not None:
            raise Problem(409, "the call is over; deleting its folder deletes what is kept of it")
        raise no_call()

    return [
        web.get("/v1/calls", listed),
        web.get("/v1/calls/{id}", one),
        web.delete("/v1/calls/{id}", hang_up),
    ]


def no_call() -> Problem:
    """Of an id that names no call, or one of which nothing was kept."""
    return Problem(404, "there is no such call, or nothing was kept of it")
