"""Errors are ``application/problem+json``, and tell no more than they should."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from gateway.http.problem import Problem
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live


async def broken(request: web.Request) -> web.Response:
    raise RuntimeError("the password is hunter2")


async def refusing(request: web.Request) -> web.Response:
    raise Problem(409, "not now", headers={"Retry-After": "1"})


async def reading(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


ROUTES = [web.get("/broken", broken), web.get("/refusing", refusing), web.post("/read", reading)]


@pytest.mark.parametrize(
    ("method", "path", "status", "title", "detail"),
    [
        ("GET", "/refusing", 409, "Conflict", "not now"),
        ("GET", "/nowhere", 404, "Not Found", "there is no /nowhere"),
        ("POST", "/refusing", 405, "Method Not Allowed", "/refusing does not take POST, but GET, "),
        ("GET", "/broken", 500, "Internal Server Error", "unexpected; the log of the gateway says"),
    ],
)
async def test_problems(method: str, path: str, status: int, title: str, detail: str) -> None:
    async with client(ROUTES) as here, here.request(method, path) as got:
        assert got.content_type == "application/problem+json"
        assert got.headers["Cache-Control"] == "no-store"
        told = await got.json(content_type=None)
        assert set(told) == {"title", "status", "detail"}
        assert (got.status, told["status"], told["title"]) == (status, status, title)
        assert told["detail"].startswith(detail)
        assert "hunter2" not in told["detail"]


async def test_headers_of_a_problem_go_with_it() -> None:
    async with client(ROUTES) as here:
        async with here.get("/refusing") as got:
            assert got.headers["Retry-After"] == "1"
        async with here.post("/refusing") as got:
            assert got.headers["Allow"] == "GET, HEAD"


async def test_what_nobody_foresaw_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="gateway.http.problem"):
        async with client(ROUTES) as here, here.get("/broken"):
            pass
    assert caplog.records[0].getMessage() == "GET /broken: unexpected"
    assert caplog.records[0].exc_info is not None


async def test_a_body_that_is_too_large() -> None:
    async with client(ROUTES) as here:
        async with here.post("/read", data=b"x" * 1_000_000) as got:
            assert await got.text() == "1000000"
        async with here.post("/read", data=b"x" * 1_100_000) as got:
            assert got.status == 413
            assert (await got.json(content_type=None))["detail"] == "the body is too large"
