"""``/whip``: a browser's call, begun with one request and ended with another (RFC 9725).

The protocol is made for sending alone; here the one audio section goes both ways. Candidates come
with the offer: there is no trickling and no restart of ICE, so ``PATCH`` is refused. A page that
is to ask STUN and TURN servers must know them before its offer, hence they are in the answer to
``OPTIONS``, too (§4.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aiohttp import web

from gateway.http.problem import Problem
from gateway.legs.sipmessage import clean
from gateway.legs.webrtc import Refused, WebRtcSwitchboard
from gateway.legs.webrtcsdp import LARGEST, BadOffer
from gateway.legs.webrtcsettings import IceServer

SDP = "application/sdp"
BODY_S = 10.0  # for an offer to come in
_ACCEPTS = {"Accept-Post": SDP, "Allow": "POST, OPTIONS"}


def routes(board: WebRtcSwitchboard) -> Sequence[web.RouteDef]:
    """All of ``/whip``."""

    async def call(request: web.Request) -> web.Response:
        try:
            answered = await board.offer(
                await _sdp(request),
                source=request.remote or "",
                callee=clean(request.query.get("to", "")),
            )
        except BadOffer as error:
            raise Problem(error.status, error.why) from error
        except Refused as error:
            retry = error.retry_after_s
            headers = {} if retry is None else {"Retry-After": str(retry)}
            raise Problem(error.status, error.why, headers=headers) from error
        headers = {
            "Location": f"/whip/{answered.name}",
            "ETag": f'"{answered.name[:8]}"',
            "Call-Id": answered.call_id,
            "Cache-Control": "no-store",
            **_links(board.ice_servers),
        }
        body = answered.sdp.encode()
        return web.Response(status=201, body=body, content_type=SDP, headers=headers)

    async def hang_up(request: web.Request) -> web.Response:
        if not board.leave(request.match_info["name"]):
            raise Problem(404, "there is no such call, or it is over")
        return web.Response(status=200)

    async def options(request: web.Request) -> web.Response:
        headers = {**_ACCEPTS, "Cache-Control": "no-store", **_links(board.ice_servers)}
        return web.Response(status=204, headers=headers)

    return [
        web.post("/whip", call),
        web.options("/whip", options),
        web.delete("/whip/{name}", hang_up),
    ]


def _links(servers: Iterable[IceServer]) -> dict[str, str]:
    """STUN and TURN servers as RFC 9725 §4.6 has them; texts in it need no escapes (settings)."""
    links = []
    for one in servers:
        link = f'<{one.url}>; rel="ice-server"'
        if one.password:
            link += f'; username="{one.username}"; credential="{one.password}"'
            link += '; credential-type="password"'
        links.append(link)
    return {"Link": ", ".join(links)} if links else {}


async def _sdp(request: web.Request) -> str:
    if request.content_type != SDP:
        raise Problem(415, f"an offer is {SDP}, not {request.content_type}", headers=_ACCEPTS)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(415, "an offer is not compressed", headers={"Accept-Encoding": "identity"})
    body = b""
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.content.iter_chunked(LARGEST):
                body += part
                if len(body) > LARGEST:
                    raise Problem(400, f"the offer is larger than {LARGEST} bytes")
    except TimeoutError:
        raise Problem(408, f"the offer did not come within {BODY_S:g} s") from None
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Problem(400, "not SDP: not UTF-8") from error
