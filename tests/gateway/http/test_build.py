"""The site of the settings: every route is in the contract, and guarded."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from gateway.bus import EventBus
from gateway.callfolders import CallFolders
from gateway.errors import ConfigError
from gateway.http import whip
from gateway.http.build import build
from gateway.http.guard import needed
from gateway.http.site import Site
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import WebRtcSettings
from gateway.readiness import Readiness
from gateway.serveconfig import HttpConfig
from gateway.telemetry import Telemetry
from media.clock import MonotonicClock
from tests.gateway.http.callsmade import Up, leave

CONTRACT: dict[str, Any] = json.loads(
    files("gateway.http").joinpath("openapi.json").read_text(encoding="utf-8")
)
OLD, LIVE = "20260101T000000Z-00000a", "20260102T000000Z-00000a"


class Standing(Up):
    """A gateway that stands still."""

    bus, telemetry, readiness = EventBus(), Telemetry(), Readiness()


def built(root: Path, **settings: Any) -> Site:
    http = HttpConfig(port=0, **settings)
    board = WebRtcSwitchboard(
        WebRtcSettings(), clock=MonotonicClock(), token=lambda: "name", connect=Peer
    )
    store = CallFolders(root)
    return build(http, gateway=Standing(LIVE), store=store, more=whip.routes(board))


def routes(site: Site) -> set[tuple[str, str]]:
    """Method and path of each, without those that aiohttp adds."""
    found = {
        (route.method, route.resource.canonical)
        for route in site.router.routes()
        if route.resource is not None
    }
    return {(method, path) for method, path in found if method != "HEAD"}


async def test_the_contract_has_every_route_and_no_other(tmp_path: Path) -> None:
    told = {
        (method.upper(), path)
        for path, methods in CONTRACT["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert told == routes(built(tmp_path))


def test_the_contract_says_which_scope_a_route_needs() -> None:
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            scope = needed(method.upper(), path)
            asked = [one["token"] for one in operation["security"] if "token" in one]
            assert asked in ([], [[]]) if scope is None else asked == [[str(scope)]], (method, path)


def test_every_reference_in_the_contract_leads_somewhere() -> None:
    def look(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                place: Any = CONTRACT
                for step in node["$ref"].removeprefix("#/").split("/"):
                    place = place[step]
            node = list(node.values())
        if isinstance(node, list):
            for part in node:
                look(part)

    look(CONTRACT)
    for schema in CONTRACT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def fits(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({**schema, "components": CONTRACT["components"]}).validate(value)


def valid(name: str, value: Any) -> None:
    fits({"$ref": f"#/components/schemas/{name}"}, value)


@pytest.mark.live
async def test_answers_are_as_the_contract_says(tmp_path: Path) -> None:
    leave(tmp_path, OLD)
    call = {"v": 1, "call_id": OLD, "leg": "sip", "facts": {}, "engine": "echo", "persona": "p"}
    path = tmp_path / "2026/01/01" / OLD / "call.json"
    path.write_text(json.dumps({**call, "seed": 0, "duration": 5}))
    site = built(tmp_path)
    await site.start()
    try:
        async with aiohttp.ClientSession(site.url) as client:

            async def get(path: str) -> Any:
                async with client.get(path) as answer:
                    return await answer.json(content_type=None)

            assert await get("/openapi.json") == CONTRACT
            valid("Readiness", await get("/readyz"))
            valid("Login", await get("/login"))
            valid("Call", await get(f"/v1/calls/{OLD}"))
            page = await get("/v1/calls?leg=sip")
            schema = CONTRACT["paths"]["/v1/calls"]["get"]["responses"]["200"]["content"]
            fits(schema["application/json"]["schema"], {**page, "calls": page["calls"][1:]})
            assert [call["call_id"] for call in page["calls"]] == [LIVE, OLD]
            valid("Problem", await get("/v1/calls/nobody"))
            async with client.post("/v1/calls", json={"to": "sip:1@x"}) as answer:
                assert answer.status == 409
                valid("Problem", await answer.json(content_type=None))
            for event in await get(f"/v1/calls/{OLD}/timeline"):
                valid("Event", event)
    finally:
        await site.close()


async def test_beyond_loopback_there_is_no_site_without_tokens(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^http\.host: 0\.0\.0\.0 can be reached by others"):
        built(tmp_path, host="0.0.0.0")
    digest = hashlib.sha256(b"x").hexdigest()
    (tmp_path / "tokens").write_text(f"- {{name: a, sha256: {digest!r}, scopes: [read]}}\n")
    assert built(tmp_path, host="0.0.0.0", tokens_file=str(tmp_path / "tokens"))


@pytest.mark.live
async def test_routes_of_legs_are_served_with_the_others(tmp_path: Path) -> None:
    async def taken(request: web.Request) -> web.Response:
        return web.Response(status=201)

    site = build(
        HttpConfig(port=0),
        gateway=Standing(),
        store=CallFolders(tmp_path),
        more=[web.post("/whip", taken)],
    )
    await site.start()
    try:
        async with aiohttp.ClientSession(site.url) as client:
            async with client.post("/whip") as got:
                assert got.status == 201
            async with client.post("/whip", headers={"Origin": "http://evil.example"}) as got:
                assert got.status == 403
    finally:
        await site.close()
