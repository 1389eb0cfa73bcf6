"""The gateway's page in Chromium, in a network from which only a TURN server can be reached."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.gateway.calls import summary
from tests.peers.coturn import SECRET, coturn, has_coturn
from tests.peers.divided import BEFORE_CALLER, BETWEEN, GATEWAY, can_be_divided, divided
from tests.peers.exchange import free_port
from tests.peers.serving import served

chromium = pytest.importorskip("tests.peers.chromium", reason="no playwright is installed")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(not chromium.has_chromium(), reason="no chromium is installed"),
    pytest.mark.skipif(not has_coturn(), reason="no coturn is installed"),
    pytest.mark.skipif(not can_be_divided(), reason="no networks can be made here"),
]
TOKEN = "a-token-for-tests"
KEEP_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
LOG_IN = f"fetch('login', {{ method: 'POST', headers: {{ Authorization: 'Bearer {TOKEN}' }} }})"


@asynccontextmanager
async def passed_on(url: str) -> AsyncIterator[str]:
    """An address for ``url`` that the caller's side reaches, as a proxy between the two has it."""
    far = urlsplit(url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(far.hostname, far.port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    port = free_port()
    server = await asyncio.start_server(serve, BEFORE_CALLER, port)
    try:
        yield f"http://{BEFORE_CALLER}:{port}"
    finally:
        server.close()


async def test_the_page_uses_the_relay_that_it_is_lent(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    await asyncio.to_thread(
        tokens.write_text, f"[{{name: page, sha256: {digest}, scopes: [read, call]}}]"
    )
    async with divided() as sides, coturn(tmp_path, host=BETWEEN, secret=True) as turn:
        words = ["bot=echo", "sip.enabled=false", "webrtc.host=0.0.0.0", f"http.host={GATEWAY}"]
        words += [f"http.tokens_file={tokens}", f"admission.allow=[{BETWEEN}/32]"]
        words += [f"webrtc.ice_servers=[{{url: '{turn.url()}', secret_env: TURN_SECRET}}]"]
        async with (
            served(tmp_path, *words, within=sides.gateway, env={"TURN_SECRET": SECRET}) as here,
            passed_on(here.url) as url,
            chromium.chromium(
                sides.caller,
                tmp_path,
                microphone="",  # it beeps of itself
                flags=[f"--unsafely-treat-insecure-origin-as-secure={url}"],
            ) as browser,
        ):
            window = await browser.new_context(**chromium.wide(1280), bypass_csp=True)
            page = await window.new_page()
            await page.add_init_script(KEEP_PEERS)
            await page.goto(url)
            await page.evaluate(LOG_IN)
            await page.goto(url)
            await page.get_by_role("button", name="Call", exact=True).click()
            await page.wait_for_function("peers[0]?.connectionState === 'connected'")
            assert " typ relay " in await page.evaluate("peers[0].localDescription.sdp")
            await page.goto("about:blank")
            folder = await here.ended()
    assert summary(folder)["outcome"] == {"fault": "none", "reason": "caller-left"}
