"""The page of one's own in ``docs/webrtc.md``: in Chromium, of another origin, over HTTPS."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from media.frame import MEDIA_RATE
from tests.gateway.calls import check, summary, tracks
from tests.gateway.http.test_tls import certificate
from tests.gateway.legs.browser import pitch
from tests.peers.apart import apart
from tests.peers.serving import served
from tests.peers.sound import WIDE, write

chromium = pytest.importorskip("tests.peers.chromium", reason="no playwright is installed")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(not chromium.has_chromium(), reason="no chromium is installed"),
]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webrtc.md").read_text(encoding="utf-8")
ELSEWHERE = "http://localhost:9000"  # a secure context, and not the gateway's origin
TOKEN = "a-token-for-tests"
HZ = 440.0
# The page comes from no address at all, so it counts as the internet's, and would have to ask.
NEAR = "--disable-features=LocalNetworkAccessChecks"


def own_page(gateway: str) -> str:
    """As it is printed, with the reader's own gateway and token."""
    (text,) = re.findall(r"^```html\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    for before, after in (("https://parley.example.org", gateway), ("Bearer …", f"Bearer {TOKEN}")):
        assert before in text
        text = text.replace(before, after)
    return f"<!doctype html><meta charset=utf-8>{text}"


def prepared(folder: Path) -> tuple[Path, Path]:
    """A tone for the microphone, and a tokens file."""
    tone = 8000 * np.sin(2 * np.pi * HZ * np.arange(2 * WIDE) / WIDE)
    microphone = write(folder / "tone.wav", tone.astype(np.int16), rate=WIDE)
    tokens = folder / "tokens.yaml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    tokens.write_text(f"[{{name: page, sha256: {digest}, scopes: [call]}}]", encoding="utf-8")
    return microphone, tokens


async def test_the_page_of_the_documentation_calls(tmp_path: Path) -> None:
    microphone, tokens = await asyncio.to_thread(prepared, tmp_path)
    tls = certificate(tmp_path)
    words = ["bot=echo", "sip.enabled=false", f"http.tokens_file={tokens}"]
    words += [f"http.tls.cert={tls.cert}", f"http.tls.key={tls.key}", f"http.cors=[{ELSEWHERE}]"]
    async with (
        apart() as within,
        served(tmp_path, *words, within=within) as here,
        chromium.chromium(
            within, tmp_path, microphone=str(microphone), flags=[chromium.LOOPBACK, NEAR]
        ) as browser,
    ):
        window = await browser.new_context(permissions=["microphone"], ignore_https_errors=True)
        page = await window.new_page()
        told: asyncio.Queue[str] = asyncio.Queue()
        page.on("console", lambda message: told.put_nowait(message.text))
        page.on("pageerror", lambda error: told.put_nowait(str(error)))
        body = own_page(here.url)
        await page.route(
            f"{ELSEWHERE}/", lambda route: route.fulfill(body=body, content_type="text/html")
        )
        await page.goto(f"{ELSEWHERE}/")
        await page.click("#call")
        async with asyncio.timeout(15):
            events = [json.loads(await told.get())["type"] for _ in range(2)]
        assert events == ["offer", "answer"]
        far = "document.querySelector('#far')"
        await page.wait_for_function(f"{far}.currentTime > 3", timeout=15_000)
        await page.goto("about:blank")
        folder = await here.ended()
    check(folder)
    assert summary(folder)["outcome"] == {"fault": "none", "reason": "caller-left"}
    left, right = tracks(folder)
    for side in (left, right):
        second = side[2 * MEDIA_RATE : 3 * MEDIA_RATE]
        # A browser on a busy machine stretches what it has, and bends the tone.
        assert pitch(second, rate=MEDIA_RATE) == pytest.approx(HZ, abs=10.0)
