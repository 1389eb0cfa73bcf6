"""What went wrong with a request, as RFC 9457 has it: ``application/problem+json``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.errors import GatewayError

logger = logging.getLogger(__name__)
_NONE: Mapping[str, str] = MappingProxyType({})


class Problem(GatewayError):
    """A request that cannot be answered as it was asked. ``detail`` is one sentence for people."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        super().__init__(f"{status}: {detail}")

    def response(self) -> web.Response:
        """With ``title``, ``status`` and ``detail``."""
        told = {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        return web.Response(
            status=self.status,
            text=json.dumps(told),
            content_type="application/problem+json",
            headers={"Cache-Control": "no-store", **self.headers},
        )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever a handler raises becomes a problem; what nobody foresaw is logged, not told."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _of(error, request).response()
    except ConnectionError:  # the client has gone: nobody is left to tell
        raise
    except Exception:
        logger.exception("%s %s: unexpected", request.method, request.path[:200])
        return Problem(500, "unexpected; the log of the gateway says more").response()


def _of(error: web.HTTPException, request: web.Request) -> Problem:
    path = request.path[:200]
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        detail = f"{path} does not take {request.method}, but {allowed}"
        return Problem(405, detail, headers={"Allow": allowed})
    if error.status == 404:
        return Problem(404, f"there is no {path}")
    if error.status == 413:
        return Problem(413, "the body is too large")
    return Problem(error.status, error.reason)
