"""``/whip``: a browser's call, begun with one request and ended with another (RFC 9725).

The protocol is made for sending alone; here the one audio section goes both ways. Candidates come
with the offer: there is no trickling and no restart of ICE, so ``PATCH`` is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.http.problem import Problem
from gateway.legs.sipmessage import clean
from gateway.legs.webrtc import Refused, WebRtcSwitchboard
from gateway.legs.webrtcsdp import LARGEST, BadOffer

SDP = "application/sdp"
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
        }
        body = answered.sdp.encode()
        return web.Response(status=201, body=body, content_type=SDP, headers=headers)

    async def hang_up(request: web.Request) -> web.Response:
        if not board.leave(request.match_info["name"]):
            raise Problem(404, "there is no such call, or it is over")
        return web.Response(status=200)

    async def options(request: web.Request) -> web.Response:
        return web.Response(status=204, headers=_ACCEPTS)

    return [
        web.post("/whip", call),
        web.options("/whip", options),
        web.delete("/whip/{name}", hang_up),
    ]


async def _sdp(request: web.Request) -> str:
    if request.content_type != SDP:
        raise Problem(415, f"an offer is {SDP}, not {request.content_type}", headers=_ACCEPTS)
    body = b""
    async for part in request.content.iter_chunked(LARGEST):
        body += part
        if len(body) > LARGEST:
            raise Problem(400, f"the offer is larger than {LARGEST} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Problem(400, "not SDP: not UTF-8") from error
