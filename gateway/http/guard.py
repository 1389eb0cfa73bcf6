"""Who may ask, before anything is answered.

Without tokens, which is possible on loopback alone, every request must name a loopback host: a
page from elsewhere can point a name of its own at 127.0.0.1 (DNS rebinding), but its requests
carry that name. With tokens, every route but the open ones needs one with the right scope.
Either way no page of a foreign origin gets an answer, unless ``http.cors`` names it.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.http.attempts import Attempts
from gateway.http.problem import Problem
from gateway.http.sessions import Sessions
from gateway.http.tokens import Scope
from gateway.ports import is_loopback

COOKIE = "parley"
# The page and its files hold nothing of anybody, and a browser must have them to log in.
OPEN = frozenset({"/", "/healthz", "/readyz", "/login"})
OPEN_BELOW = "/console/"
EXPOSED = "Accept-Ranges, Call-Id, Content-Range, ETag, Link, Location, Retry-After"


def needed(method: str, path: str) -> Scope | None:
    """The scope that a request needs; ``None`` if it needs none."""
    if path in OPEN or path.startswith(OPEN_BELOW):
        return None
    if method in ("GET", "HEAD"):
        return Scope.READ
    # A call of one's own is ended at /whip/{id}, whose name nobody else knows.
    return Scope.ADMIN if method == "DELETE" and path.startswith("/v1/") else Scope.CALL


class Guard:
    """``tokens`` is ``None`` where none are asked for; ``cors`` are origins that may ask."""

    def __init__(
        self, *, tokens: Attempts | None, sessions: Sessions, cors: Collection[str] = ()
    ) -> None:
        self._tokens, self._sessions, self._cors = tokens, sessions, frozenset(cors)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers in the handler's place if the request may not pass."""
        origin = request.headers.get("Origin")
        self._check_origin(request, origin)
        if origin in self._cors and _is_preflight(request):
            return web.Response(status=204, headers=_preflight(request))
        if self._tokens is None:
            _check_host(request)
        else:
            self._check_token(request, self._tokens)
        return await handler(request)

    async def finish(self, request: web.Request, response: web.StreamResponse) -> None:
        """Headers of every answer."""
        headers = response.headers
        headers["Server"] = "parley"
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Cache-Control", "private, no-cache")
        origin = request.headers.get("Origin")
        headers["Vary"] = "Origin, Cookie, Authorization"
        if origin is not None and origin in self._cors:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED
        else:  # else a foreign page could play a recording, though not read it
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")

    def _check_origin(self, request: web.Request, origin: str | None) -> None:
        if origin is None:
            # Images and scripts of another site ask without an origin (W3C Fetch Metadata).
            foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
            if not foreign or needed(request.method, request.path) is None:
                return
        # Behind a proxy that ends TLS the scheme differs, so only host and port are compared.
        elif origin in self._cors or _netloc(origin) == request.host.lower():
            return
        raise Problem(403, "requests of pages from elsewhere are refused; http.cors can allow one")

    def _check_token(self, request: web.Request, tokens: Attempts) -> None:
        scope = needed(request.method, request.path)
        if scope is None:
            return
        scopes = self._scopes(request, tokens)
        if scopes is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="parley"'}
            raise Problem(401, "give a token: Authorization: Bearer …", headers=challenge)
        if scope not in scopes and Scope.ADMIN not in scopes:
            challenge = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
            raise Problem(403, f"this needs a token with the scope {scope}", headers=challenge)

    def _scopes(self, request: web.Request, tokens: Attempts) -> frozenset[Scope] | None:
        if (token := bearer(request)) is not None:
            return tokens.scopes(token, source=request.remote)
        return self._sessions.scopes(request.cookies.get(COOKIE, ""))


def bearer(request: web.Request) -> str | None:
    """The token of ``Authorization``; ``None`` if there is no such header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _check_host(request: web.Request) -> None:
    if not is_loopback(_hostname(request.host)):
        raise Problem(403, "without http.tokens_file only requests to localhost are answered")


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_preflight(request: web.Request) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _preflight(request: web.Request) -> dict[str, str]:
    return {
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID, Range",
        "Access-Control-Max-Age": "600",
    }
