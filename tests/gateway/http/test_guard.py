"""Who gets an answer: hosts, origins, tokens, scopes, cookies."""

from __future__ import annotations

import pytest
from aiohttp import web

from gateway.http.guard import COOKIE, needed
from gateway.http.sessions import LIFE_S, MOST, Sessions
from gateway.http.tokens import Scope
from tests.gateway.http.sites import client, tokens

pytestmark = pytest.mark.live
HERE = "http://parley.example"


async def answer(request: web.Request) -> web.Response:
    return web.Response(text="secret")


ROUTES = [
    web.get("/v1/calls", answer),
    web.post("/whip", answer),
    web.delete("/v1/calls/{id}", answer),
    web.delete("/whip/{id}", answer),
    web.get("/healthz", answer),
    web.get("/", answer),
    web.get("/console/{file}", answer),
]


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/", None),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
        ("POST", "/login", None),
        ("GET", "/console/page.js", None),
        ("GET", "/consolex", Scope.READ),
        ("GET", "/metrics", Scope.READ),
        ("HEAD", "/v1/calls", Scope.READ),
        ("GET", "/nowhere", Scope.READ),
        ("POST", "/whip", Scope.CALL),
        ("PATCH", "/whip/1", Scope.CALL),
        ("DELETE", "/whip/1", Scope.CALL),
        ("DELETE", "/v1/calls/1", Scope.ADMIN),
    ],
)
def test_what_a_request_needs(method: str, path: str, scope: Scope | None) -> None:
    assert needed(method, path) == scope


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "LOCALHOST."]
)
async def test_on_loopback_a_loopback_host_is_answered(host: str) -> None:
    async with client(ROUTES) as here, here.get("/v1/calls", headers={"Host": host}) as got:
        assert (got.status, await got.text()) == (200, "secret")
        assert got.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert got.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["rebound.example:8080", "10.0.0.1", "localhost.example", "[::1", "127.0.0.1.example"]
)
@pytest.mark.parametrize("path", ["/v1/calls", "/healthz", "/"])
async def test_a_name_of_somebody_elses_is_refused(host: str, path: str) -> None:
    async with client(ROUTES) as here, here.get(path, headers={"Host": host}) as got:
        assert got.status == 403
        assert got.content_type == "application/problem+json"
        assert await got.json(content_type=None) == {
            "title": "Forbidden",
            "status": 403,
            "detail": "without http.tokens_file only requests to localhost are answered",
        }


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "http://["]
)
@pytest.mark.parametrize("known", [None, tokens()])
async def test_pages_from_elsewhere_get_nothing(origin: str, known: object) -> None:
    bearer = {"Authorization": "Bearer boss", "Origin": origin}
    async with client(ROUTES, known=tokens() if known else None) as here:
        for ask in (here.get("/v1/calls", headers=bearer), here.post("/whip", headers=bearer)):
            async with ask as got:
                assert got.status == 403
                assert "Access-Control-Allow-Origin" not in got.headers


async def test_our_own_page_is_answered_also_behind_a_proxy_with_tls() -> None:
    async with client(ROUTES, known=tokens()) as here:
        headers = {"Host": "parley.example", "Authorization": "Bearer caller"}
        for origin in (HERE, "https://parley.example"):
            async with here.post("/whip", headers={**headers, "Origin": origin}) as got:
                assert got.status == 200


async def test_a_page_that_cors_names_is_answered() -> None:
    app = "https://app.example"
    async with client(ROUTES, known=tokens(), cors=(app,)) as here:
        ask = {"Origin": app, "Access-Control-Request-Method": "POST"}
        async with here.options("/whip", headers=ask) as got:
            assert got.status == 204
            assert got.headers["Access-Control-Allow-Origin"] == app
            assert "Authorization" in got.headers["Access-Control-Allow-Headers"]
            assert "Access-Control-Allow-Credentials" not in got.headers
        bearer = {"Origin": app, "Authorization": "Bearer caller"}
        async with here.post("/whip", headers=bearer) as got:
            assert got.status == 200
            assert "Location" in got.headers["Access-Control-Expose-Headers"]
        async with here.post("/whip", headers={"Origin": app}) as got:
            assert got.status == 401
            assert got.headers["Access-Control-Allow-Origin"] == app


@pytest.mark.parametrize(
    ("token", "statuses"),
    [
        ("reader", [200, 403, 403, 403]),
        ("caller", [403, 200, 403, 200]),
        ("boss", [200, 200, 200, 200]),
        ("nobody", [401, 401, 401, 401]),
        ("", [401, 401, 401, 401]),
        ("\udce9", [401, 401, 401, 401]),
    ],
)
async def test_tokens_do_what_their_scopes_say(token: str, statuses: list[int]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    asked = [("GET", "/v1/calls"), ("POST", "/whip"), ("DELETE", "/v1/calls/1")]
    async with client(ROUTES, known=tokens()) as here:
        got = []
        for method, path in [*asked, ("DELETE", "/whip/1")]:
            async with here.request(method, path, headers=headers) as answered:
                got.append(answered.status)
                if answered.status in (401, 403):
                    assert answered.headers["WWW-Authenticate"].startswith("Bearer ")
        assert got == statuses


async def test_health_and_the_page_need_no_token_and_unknown_paths_do() -> None:
    async with client(ROUTES, known=tokens()) as here:
        for path, status in [("/healthz", 200), ("/", 200), ("/console/x.js", 200), ("/x", 401)]:
            async with here.get(path, headers={"Host": "parley.example"}) as got:
                assert got.status == status


async def test_a_token_is_traded_for_a_cookie_that_no_script_sees() -> None:
    async with client(ROUTES, known=tokens()) as here:
        async with here.get("/login") as got:
            assert await got.json() == {"required": True, "scopes": []}
        async with here.post("/login", headers={"Authorization": "Bearer wrong"}) as got:
            assert got.status == 401
        async with here.post("/login", headers={"Authorization": "Bearer reader"}) as got:
            assert await got.json() == {"required": True, "scopes": ["read"]}
            assert got.headers["Set-Cookie"] == (
                f"{COOKIE}=s1; HttpOnly; Max-Age={LIFE_S}; Path=/; SameSite=Strict"
            )
        async with here.get("/v1/calls") as got:
            assert got.status == 200
        async with here.post("/whip") as got:
            assert got.status == 403
        async with here.get("/login") as got:
            assert await got.json() == {"required": True, "scopes": ["read"]}
        async with here.delete("/login") as got:
            assert got.status == 204
        async with here.get("/v1/calls", headers={"Cookie": f"{COOKIE}=s1"}) as got:
            assert got.status == 401


async def test_behind_tls_the_cookie_goes_by_tls_alone() -> None:
    async with client(ROUTES, known=tokens()) as here:
        headers = {"Authorization": "Bearer reader", "Origin": "https://parley.example"}
        async with here.post("/login", headers={**headers, "Host": "parley.example"}) as got:
            assert got.headers["Set-Cookie"].endswith("; Secure")


async def test_without_tokens_nobody_has_to_log_in() -> None:
    async with client(ROUTES) as here:
        for ask in (here.get("/login"), here.post("/login")):
            async with ask as got:
                assert await got.json() == {"required": False, "scopes": ["admin"]}
                assert "Set-Cookie" not in got.headers


def test_sessions_run_out_and_do_not_pile_up() -> None:
    now, words = [0.0], iter(range(MOST + 2))
    open_ = Sessions(now=lambda: now[0], new=lambda: str(next(words)))
    scopes = frozenset({Scope.READ})
    for _ in range(MOST + 1):
        open_.begin(scopes)
    assert len(open_) == MOST
    assert open_.scopes("0") is None
    assert open_.scopes("1") == scopes
    now[0] = LIFE_S - 1.0
    late = open_.begin(scopes)
    now[0] = LIFE_S
    assert open_.scopes("2") is None
    assert open_.scopes(late) == scopes
