"""``GET /``: the console, and its files below ``/console/``. They are read once, at the start.

The page is held to what it is made of: no script, style or connection from anywhere else, and no
frame around it (Content Security Policy Level 3, W3C).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

from aiohttp import web

from gateway.http.problem import Problem

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
TYPES: Mapping[str, str] = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cache-Control": "no-cache",  # kept, and asked for each time whether it is still right
}


def routes() -> Sequence[web.RouteDef]:
    """The page and its files, each with an entity tag."""
    kept = _read()

    async def page(request: web.Request) -> web.Response:
        return _answer(request, name="index.html", body=kept["index.html"])

    async def file(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in kept:
            raise Problem(404, f"the console has no {name[:200]}")
        return _answer(request, name=name, body=kept[name])

    return [web.get("/", page), web.get("/console/{name}", file)]


def _read() -> dict[str, bytes]:
    folder = files("gateway.http").joinpath("console")
    return {
        file.name: file.read_bytes()
        for file in folder.iterdir()
        if file.name.rpartition(".")[2] in TYPES
    }


def _answer(request: web.Request, *, name: str, body: bytes) -> web.Response:
    tag = hashlib.sha256(body).hexdigest()[:16]
    headers = {**HEADERS, "ETag": f'"{tag}"'}
    if any(one.value == tag for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    kind = TYPES[name.rpartition(".")[2]]
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
