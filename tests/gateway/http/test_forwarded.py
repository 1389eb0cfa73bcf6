"""Whom a proxy says a request comes from: believed as far as our own proxies wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from aiohttp import web

from gateway.http.forwarded import Network, behind
from tests.gateway.http.sites import client

OURS = [ip_network("127.0.0.0/8"), ip_network("10.0.0.0/24"), ip_network("::1/128")]


@pytest.mark.parametrize(
    ("remote", "told", "source"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:127.0.0.1", " 192.0.2.7 ", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),  # the first is the caller's own tale
        ("127.0.0.1", "192.0.2.7, 10.0.0.3", "192.0.2.7"),  # two proxies of ours
        ("127.0.0.1", "10.0.0.3", "10.0.0.3"),  # one of our own machines asks
        ("127.0.0.1", "192.0.2.7, unknown, 10.0.0.3", "10.0.0.3"),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "unknown", None),
        ("127.0.0.1", "192.0.2.7:4711", None),
        ("192.0.2.9", "192.0.2.7", None),  # no proxy of ours
        ("", "192.0.2.7", None),
    ],
)
def test_the_last_that_a_proxy_of_ours_saw(remote: str, told: str, source: str | None) -> None:
    assert behind(OURS, remote=remote, told=told) == source


def test_nobody_is_believed_unless_it_is_said() -> None:
    assert behind([], remote="127.0.0.1", told="192.0.2.7") is None


@pytest.mark.live
@pytest.mark.parametrize(("believed", "seen"), [(OURS, "192.0.2.7"), ([], "127.0.0.1")])
async def test_routes_see_it(believed: Sequence[Network], seen: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.remote} {await request.text()}")

    headers = {"X-Forwarded-For": "192.0.2.7"}
    async with (
        client([web.post("/v1/calls", answer)], proxies=believed) as http,
        http.post("/v1/calls", headers=headers, data="body") as got,
    ):
        assert await got.text() == f"{seen} body"
