"""``POST /v1/calls``: have the gateway call somebody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from gateway.http.problem import Problem
from gateway.outbound import NotDialled

JSON = "application/json"


class Dials(Protocol):
    """Who makes calls."""

    async def dial(self, uri: str) -> str:
        """The id of the call, which goes out now. Raises ``NotDialled``."""


def routes(gateway: Dials) -> Sequence[web.RouteDef]:
    """The one route. It answers when the call has begun, not when somebody has picked up."""

    async def dial(request: web.Request) -> web.Response:
        to = await _to(request)
        try:
            call_id = await gateway.dial(to)
        except NotDialled as error:
            retry = error.retry_after_s
            headers = {} if retry is None else {"Retry-After": str(retry)}
            raise Problem(error.status, error.why, headers=headers) from error
        headers = {"Location": f"/v1/calls/{call_id}", "Cache-Control": "no-store"}
        return web.json_response({"call_id": call_id}, status=201, headers=headers)

    return [web.post("/v1/calls", dial)]


async def _to(request: web.Request) -> str:
    if request.content_type != JSON:
        raise Problem(415, f"a call is asked for in {JSON}, not {request.content_type}")
    try:
        asked = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError) as error:  # its encoding, or its form
        raise Problem(400, "not JSON") from error
    to = asked.get("to") if isinstance(asked, dict) and set(asked) == {"to"} else None
    if not isinstance(to, str):
        raise Problem(400, 'write {"to": "sip:1234@pbx.example"}, and nothing else')
    return to
