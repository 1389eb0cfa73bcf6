"""Calls between networks that reach each other through a TURN server alone: Debian's coturn."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from media.frame import MEDIA_RATE
from tests.gateway.calls import check, summary, tracks
from tests.gateway.http.test_tls import certificate
from tests.gateway.legs.browser import pitch
from tests.peers.coturn import PASSWORD, SECRET, USER, Coturn, coturn, has_coturn
from tests.peers.divided import BETWEEN, CALLER, GATEWAY, Divided, can_be_divided, divided
from tests.peers.farcaller import FarCaller, far_caller
from tests.peers.serving import Served, served

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(not has_coturn(), reason="no coturn is installed"),
    pytest.mark.skipif(not can_be_divided(), reason="no networks can be made here"),
]
TOKEN = "a token for tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/sdp"}
HZ = 440.0
SECONDS = 6  # of the echo


@pytest.fixture
async def sides() -> AsyncIterator[Divided]:
    async with divided() as sides:
        yield sides


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens.yaml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    file.write_text(f"[{{name: tests, sha256: {digest}, scopes: [call]}}]", encoding="utf-8")
    return file


@asynccontextmanager
async def gateway(
    sides: Divided, tokens: Path, *overrides: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[Served]:
    """On its side; what it hears it says."""
    words = [
        *("bot=echo", "sip.enabled=false", "webrtc.host=0.0.0.0", f"http.host={GATEWAY}"),
        *(f"http.tokens_file={tokens}", f"admission.allow=[{BETWEEN}/32]", *overrides),
    ]
    async with served(tokens.parent, *words, within=sides.gateway, env=env or {}) as here:
        yield here


async def offered(caller: FarCaller, here: Served) -> tuple[str, Mapping[str, str], str]:
    """The caller's offer, and the answer to it with its headers: carried by us, in between."""
    offer = (await caller.told())["sdp"]
    async with (
        aiohttp.ClientSession(here.url, headers=HEADERS) as http,
        http.post("/whip", data=offer) as response,
    ):
        assert response.status == 201, await response.text()
        answer = await response.text()
        caller.tell(sdp=answer)
        return offer, response.headers, answer


async def hears_itself(caller: FarCaller) -> None:
    """Until a second of the echo has the tone: a packet that is late on a busy machine bends it."""
    heard: list[float] = []
    while not any(abs(hz - HZ) <= 1.0 for hz in heard):
        assert len(heard) < SECONDS, heard
        heard.append((await caller.told())["hz"])


async def recorded(here: Served, outcome: str, *, within_s: float = 10.0) -> Path:
    """The folder of the one call, which is complete."""
    folder = await here.ended(within_s=within_s)
    check(folder)
    told = summary(folder)["outcome"]
    assert f"{told['fault']}/{told['reason']}" == outcome
    return folder


async def nothing_left(sides: Divided) -> None:
    """Until the gateway has no socket of a call any more."""
    async with asyncio.timeout(5):
        while subprocess.run(  # noqa: ASYNC110, ASYNC221 - a look takes a millisecond
            [*sides.gateway, "ss", "-Huan"], capture_output=True, check=True
        ).stdout:
            await asyncio.sleep(0.1)


def kinds(sdp: str) -> list[str]:
    """Of candidates, without those of the host itself."""
    return [kind for kind in re.findall(r"(?m)^a=candidate:.* typ (\w+)", sdp) if kind != "host"]


def by_password(turn: Coturn) -> Mapping[str, str]:
    return {"urls": turn.url(), "username": USER, "credential": PASSWORD}


async def test_a_caller_behind_a_relay(sides: Divided, tokens: Path, tmp_path: Path) -> None:
    async with (
        coturn(tmp_path, host=BETWEEN) as turn,
        gateway(sides, tokens) as here,
        far_caller(
            sides.caller, host=CALLER, hz=HZ, servers=[by_password(turn)], relay_only=True
        ) as caller,
    ):
        offer, _, answer = await offered(caller, here)
        assert set(kinds(offer)) == {"relay"}
        assert kinds(answer) == []
        await hears_itself(caller)
        await caller.end()
        folder = await recorded(here, "none/caller-left")
    left, right = tracks(folder)
    for side in (left, right):
        seconds = side[: len(side) // MEDIA_RATE * MEDIA_RATE].reshape(-1, MEDIA_RATE)
        assert min(abs(pitch(one, rate=MEDIA_RATE) - HZ) for one in seconds) <= 1.0


async def test_a_gateway_behind_a_relay_lends_it_to_pages(
    sides: Divided, tokens: Path, tmp_path: Path
) -> None:
    async with coturn(tmp_path, host=BETWEEN, secret=True) as turn:
        servers = f"webrtc.ice_servers=[{{url: '{turn.url()}', secret_env: TURN_SECRET}}]"
        async with gateway(sides, tokens, servers, env={"TURN_SECRET": SECRET}) as here:
            async with far_caller(sides.caller, host=CALLER, hz=HZ) as caller:
                offer, headers, answer = await offered(caller, here)
                assert kinds(offer) == []
                assert set(kinds(answer)) == {"relay"}
                await hears_itself(caller)
                await caller.end()
            await recorded(here, "none/caller-left")
            lent = re.fullmatch(
                r'<(\S+)>; rel="ice-server"; username="(\S+)"; credential="(\S+)";'
                r' credential-type="password"',
                headers["Link"],
            )
            assert lent is not None
            assert SECRET not in headers["Link"]
            url, username, credential = lent.groups()
            own = {"urls": url, "username": username, "credential": credential}
            async with far_caller(
                sides.caller, host=CALLER, hz=HZ, servers=[own], relay_only=True
            ) as caller:
                offer, _, _ = await offered(caller, here)
                assert set(kinds(offer)) == {"relay"}
                await hears_itself(caller)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_relay_that_is_reached_by_tcp(
    sides: Divided, tokens: Path, tmp_path: Path, transport: str
) -> None:
    tls = certificate(tmp_path, address=BETWEEN)
    async with coturn(tmp_path, host=BETWEEN, tls=tls) as turn:
        server = f"url: '{turn.url(transport=transport)}', username: {USER}, password_env: TURN"
        words = f"webrtc.ice_servers=[{{{server}}}]"
        known = {"TURN": PASSWORD, "SSL_CERT_FILE": str(tls.cert)}
        async with (
            gateway(sides, tokens, words, env=known) as here,
            far_caller(sides.caller, host=CALLER, hz=HZ) as caller,
        ):
            _, headers, answer = await offered(caller, here)
            assert set(kinds(answer)) == {"relay"}
            assert "Link" not in headers  # a password that does not run out is for nobody else
            await hears_itself(caller)
            await caller.end()
            await recorded(here, "none/caller-left")
            await nothing_left(sides)
        assert re.search(rf"{transport.upper()}(/TCP)? socket .* {GATEWAY}:", turn.log)


async def test_a_wrong_password_is_said_in_one_line(
    sides: Divided, tokens: Path, tmp_path: Path
) -> None:
    async with coturn(tmp_path, host=BETWEEN) as turn:
        server = f"url: '{turn.url()}', username: {USER}, password_env: TURN"
        words = (f"webrtc.ice_servers=[{{{server}}}]", "webrtc.connect_s=1")
        async with gateway(sides, tokens, *words, env={"TURN": "guessed"}) as here:
            for number in range(2):
                async with far_caller(sides.caller, host=CALLER) as caller:
                    _, _, answer = await offered(caller, here)
                    assert kinds(answer) == []
                    await here.ended(number)
            await recorded(here, "caller/ice-failed")
            await nothing_left(sides)
            log = here.log.read_text(encoding="utf-8")
    said = re.findall(r"(?m)^.*WARNING.*ice_servers.*$", log)
    assert len(said) == 2
    assert f"no relay at turn:{BETWEEN}:{turn.port}: 401 'Unauthorized'" in said[0]
    assert "guessed" not in log


async def test_a_stun_server_says_how_others_see_us(
    sides: Divided, tokens: Path, tmp_path: Path
) -> None:
    async with coturn(tmp_path, host=BETWEEN) as turn:
        server = f"webrtc.ice_servers=[{{url: 'stun:{BETWEEN}:{turn.port}'}}]"
        async with (
            gateway(sides, tokens, server, "webrtc.connect_s=1") as here,
            far_caller(sides.caller, host=CALLER) as caller,
        ):
            _, headers, answer = await offered(caller, here)
            assert re.search(rf"(?m)^a=candidate:.* {GATEWAY} \d+ typ srflx", answer)
            assert headers["Link"] == f'<stun:{BETWEEN}:{turn.port}>; rel="ice-server"'
            await recorded(here, "caller/ice-failed")
            await nothing_left(sides)


async def test_a_wire_that_breaks_ends_the_call(
    sides: Divided, tokens: Path, tmp_path: Path
) -> None:
    async with (
        coturn(tmp_path, host=BETWEEN) as turn,
        gateway(sides, tokens, "webrtc.silent_s=2") as here,
        far_caller(
            sides.caller, host=CALLER, hz=HZ, servers=[by_password(turn)], relay_only=True
        ) as caller,
    ):
        await offered(caller, here)
        await hears_itself(caller)
        sides.cut()
        folder = await recorded(here, "caller/media-silent")
        assert json.loads((folder / "call.json").read_text(encoding="utf-8"))["webrtc"]


async def test_a_relay_that_dies_ends_the_call(
    sides: Divided, tokens: Path, tmp_path: Path
) -> None:
    async with coturn(tmp_path, host=BETWEEN) as turn:
        server = f"url: '{turn.url()}', username: {USER}, password_env: TURN"
        words = (f"webrtc.ice_servers=[{{{server}}}]", "webrtc.silent_s=2")
        async with (
            gateway(sides, tokens, *words, env={"TURN": PASSWORD}) as here,
            far_caller(sides.caller, host=CALLER, hz=HZ) as caller,
        ):
            await offered(caller, here)
            await hears_itself(caller)
            turn.process.kill()
            await recorded(here, "caller/media-silent")
