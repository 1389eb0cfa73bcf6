"""``/v1/calls``: the calls that are up and those that are over, and hanging up.

Times are samples at 16 kHz, as in the files of a call (``docs/call-folder.md``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import web

from gateway.callfolders import CallStore, is_call_id
from gateway.http.problem import Problem

LIMIT, MOST = 50, 200  # calls of a page: if nothing is said, and at most


class LiveCalls(Protocol):
    """The calls that are up."""

    def live(self) -> Sequence[dict[str, Any]]:
        """What ``call.json`` will begin with, of each."""

    def hang_up(self, call_id: str) -> bool:
        """End a call that is up; whether there is one of that id."""


def routes(live: LiveCalls, store: CallStore) -> Sequence[web.RouteDef]:
    """List, look, hang up."""

    async def listed(request: web.Request) -> web.Response:
        limit, before = _limit(request), _before(request)
        up = [
            {**call, "live": True}
            for call in live.live()
            if before is None or call["call_id"] < before
        ]
        ids = {call["call_id"] for call in up}
        over = await asyncio.to_thread(store.newest, most=limit + 1, before=before)
        calls = up + [call for call in over if call["call_id"] not in ids]
        calls.sort(key=lambda call: str(call["call_id"]), reverse=True)
        more = calls[limit - 1]["call_id"] if len(calls) > limit else None
        return web.json_response({"calls": calls[:limit], "next": more})

    async def one(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        for call in live.live():
            if call["call_id"] == call_id:
                return web.json_response({**call, "live": True})
        found = await asyncio.to_thread(store.call, call_id)
        if found is None:
            raise no_call()
        return web.json_response(found)

    async def hang_up(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        if live.hang_up(call_id):
            return web.Response(status=204)
        if await asyncio.to_thread(store.folder, call_id) is not None:
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


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST):
        raise Problem(400, f"limit: a number from 1 to {MOST}")
    return int(text)


def _before(request: web.Request) -> str | None:
    before = request.query.get("before")
    if before is not None and not is_call_id(before):
        raise Problem(400, "before: the id of a call, as next has it")
    return before
