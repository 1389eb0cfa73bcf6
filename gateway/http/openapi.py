"""``GET /openapi.json``: the contract of all routes, OpenAPI 3.1. The file is written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from aiohttp import web


def routes() -> Sequence[web.RouteDef]:
    """The one route."""
    text = files("gateway.http").joinpath("openapi.json").read_text(encoding="utf-8")

    async def contract(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    return [web.get("/openapi.json", contract)]
