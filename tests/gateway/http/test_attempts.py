"""Wrong tokens: ten at once and one every ten seconds, of each source."""

from __future__ import annotations

import logging

import pytest
from aiohttp import web

from gateway.http.attempts import BURST, LINES, Attempts
from gateway.http.problem import Problem
from gateway.http.tokens import Scope
from tests.gateway.http.sites import client, tokens


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_who_is_wrong_too_often_must_wait_right_or_not(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    attempts = Attempts(tokens(), now=clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(BURST):
            assert attempts.scopes("guess", source="192.0.2.1") is None
    assert caplog.messages == ["wrong token source=192.0.2.1"] * BURST
    with pytest.raises(Problem, match="too many wrong tokens") as told:
        attempts.scopes("boss", source="192.0.2.1")
    assert (told.value.status, told.value.headers["Retry-After"]) == (429, "10")
    assert attempts.scopes("boss", source="192.0.2.2") == frozenset({Scope.ADMIN})
    clock.now_s = 10.0
    assert attempts.scopes("boss", source="192.0.2.1") == frozenset({Scope.ADMIN})
    assert attempts.scopes("boss", source="192.0.2.1") == frozenset(
        {Scope.ADMIN}
    )  # right ones cost nothing
    assert attempts.scopes("guess", source="192.0.2.1") is None
    with pytest.raises(Problem):
        attempts.scopes("guess", source="192.0.2.1")


def test_a_source_in_ipv6_is_a_whole_network() -> None:
    attempts = Attempts(tokens(), now=Clock())
    for number in range(BURST):
        assert attempts.scopes("guess", source=f"2001:db8::{number}") is None
    with pytest.raises(Problem):
        attempts.scopes("guess", source="2001:db8::ffff")
    assert attempts.scopes("guess", source="2001:db8:0:1::1") is None


def test_many_sources_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    attempts = Attempts(tokens(), now=clock)
    with caplog.at_level(logging.WARNING):
        for number in range(2 * LINES):
            attempts.scopes("guess", source=f"192.0.2.{number}")
        clock.now_s = 1.0
        attempts.scopes("guess", source="192.0.2.99")
    assert len(caplog.messages) == LINES + 1
    assert caplog.messages[-1] == f"wrong token source=192.0.2.99 ({LINES} more were not told)"


@pytest.mark.live
@pytest.mark.parametrize(("method", "path"), [("POST", "/login"), ("GET", "/v1/calls")])
async def test_every_way_to_try_a_token_is_bounded(method: str, path: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    async with client([web.get("/v1/calls", answer)], known=tokens()) as http:
        told = []
        for token in ["guess"] * BURST + ["boss"]:
            bearer = {"Authorization": f"Bearer {token}"}
            async with http.request(method, path, headers=bearer) as got:
                told.append((got.status, got.headers.get("Retry-After")))
    assert told == [(401, None)] * BURST + [(429, "10")]
