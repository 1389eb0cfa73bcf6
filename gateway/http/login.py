"""``POST /login`` trades a token for a cookie, because a page can keep no secret from its scripts.

Scripts cannot read the cookie (``HttpOnly``), and no other site can send it (``SameSite=Strict``).
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.http.attempts import Attempts
from gateway.http.guard import COOKIE, bearer
from gateway.http.problem import Problem
from gateway.http.sessions import LIFE_S, Sessions


def routes(tokens: Attempts | None, sessions: Sessions) -> Sequence[web.RouteDef]:
    """Log in, log out, and whether one has to."""

    async def login(request: web.Request) -> web.Response:
        if tokens is None:
            return web.json_response({"required": False, "scopes": ["admin"]})
        scopes = tokens.scopes(bearer(request) or "", source=request.remote)
        if scopes is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="parley"'}
            raise Problem(401, "that token is not known", headers=challenge)
        answer = web.json_response({"required": True, "scopes": sorted(scopes)})
        _set_cookie(answer, sessions.begin(scopes), request=request)
        return answer

    async def logout(request: web.Request) -> web.Response:
        sessions.end(request.cookies.get(COOKIE, ""))
        answer = web.Response(status=204)
        answer.del_cookie(COOKIE, path="/")
        return answer

    async def look(request: web.Request) -> web.Response:
        if tokens is None:
            return web.json_response({"required": False, "scopes": ["admin"]})
        scopes = sessions.scopes(request.cookies.get(COOKIE, "")) or frozenset()
        return web.json_response({"required": True, "scopes": sorted(scopes)})

    return [web.post("/login", login), web.delete("/login", logout), web.get("/login", look)]


def _set_cookie(answer: web.Response, word: str, *, request: web.Request) -> None:
    # Behind a proxy that ends TLS only the page's own origin tells that the browser uses it.
    secure = request.secure or request.headers.get("Origin", "").startswith("https://")
    answer.set_cookie(
        COOKIE, word, max_age=LIFE_S, path="/", httponly=True, samesite="Strict", secure=secure
    )
