"""``/whip`` before any call: what a page must know first. Calls are in the tests of the leg."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.http import whip
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import IceServer, WebRtcSettings
from media.clock import MonotonicClock
from tests.gateway.http.sites import client

pytestmark = pytest.mark.live
STUN = IceServer("stun:stun.example")
KEPT = IceServer("turn:turn.example", "parley", "open sesame")
SHARED = IceServer("turns:turn.example:443", "parley", secret="north")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def links(*servers: IceServer) -> str | None:
    board = WebRtcSwitchboard(
        WebRtcSettings(ice_servers=servers),
        clock=MonotonicClock(),
        token=lambda: "name",
        connect=Peer,
        wall=lambda: NOW,
    )
    async with client(whip.routes(board)) as http, http.options("/whip") as response:
        assert response.status == 204
        assert response.headers["Accept-Post"] == "application/sdp"
        return response.headers.get("Link")


async def test_a_page_learns_its_servers_before_its_offer() -> None:
    assert await links() is None
    assert await links(STUN, KEPT) == '<stun:stun.example>; rel="ice-server"'
    own = SHARED.at(NOW.timestamp())
    assert await links(STUN, SHARED) == (
        '<stun:stun.example>; rel="ice-server", '
        '<turns:turn.example:443>; rel="ice-server"; '
        f'username="{own.username}"; credential="{own.password}"; credential-type="password"'
    )
