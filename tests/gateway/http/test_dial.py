"""``POST /v1/calls``."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http import dial
from gateway.outbound import NotDialled
from tests.gateway.http.sites import client, tokens

pytestmark = pytest.mark.live
CALL_ID = "20260106T000000Z-00000a"
TO = "sip:1234@pbx.example"


class Phone:
    """Calls whoever is named, or not, as ``refusal`` says."""

    def __init__(self, refusal: NotDialled | None = None) -> None:
        self.refusal, self.dialled = refusal, list[str]()

    async def dial(self, uri: str) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.dialled.append(uri)
        return CALL_ID


async def test_a_call_is_begun_and_told_where_it_is() -> None:
    phone = Phone()
    async with client(dial.routes(phone)) as here, here.post("/v1/calls", json={"to": TO}) as got:
        assert got.status == 201
        assert await got.json() == {"call_id": CALL_ID}
        assert got.headers["Location"] == f"/v1/calls/{CALL_ID}"
    assert phone.dialled == [TO]


@pytest.mark.parametrize(
    ("refusal", "retry"),
    [
        (NotDialled(409, "nothing is dialled"), None),
        (NotDialled(503, "no call can be made now: full", retry_after_s=10), "10"),
    ],
)
async def test_a_call_that_is_not_made_is_a_problem(refusal: NotDialled, retry: str | None) -> None:
    phone = Phone(refusal)
    async with client(dial.routes(phone)) as here, here.post("/v1/calls", json={"to": TO}) as got:
        assert got.status == refusal.status
        assert (await got.json(content_type=None))["detail"] == refusal.why
        assert got.headers.get("Retry-After") == retry


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"data": b"{"}, 400),
        ({"data": b"\xff"}, 400),
        ({"data": b"[" * 100_000}, 400),
        ({"data": b"{}", "headers": {"Content-Type": "application/json; charset=none"}}, 400),
        ({"json": {}}, 400),
        ({"json": [TO]}, 400),
        ({"json": {"to": 5}}, 400),
        ({"json": {"to": TO, "persona": "other"}}, 400),
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    ],
)
async def test_questions_that_make_no_sense(asked: dict[str, Any], status: int) -> None:
    phone = Phone()
    asked = {"headers": {"Content-Type": "application/json"}, **asked}
    async with client(dial.routes(phone)) as here, here.post("/v1/calls", **asked) as got:
        assert got.status == status
        assert got.content_type == "application/problem+json"
    assert phone.dialled == []


@pytest.mark.parametrize(("token", "status"), [("reader", 403), ("caller", 201), ("boss", 201)])
async def test_it_needs_the_scope_to_call(token: str, status: int) -> None:
    phone = Phone()
    bearer = {"Authorization": f"Bearer {token}"}
    async with (
        client(dial.routes(phone), known=tokens()) as here,
        here.post("/v1/calls", json={"to": TO}, headers=bearer) as got,
    ):
        assert got.status == status
