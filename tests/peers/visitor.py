"""A person before the gateway's page, and what their browser hears and is told."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from media.frame import Pcm
from tests.peers.chromium import wide

TAP = Path(__file__).parent / "console" / "tap.js"
WITHIN_MS = 15_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What the browser gave its loudspeaker: pieces of 10 ms, and when each was given it.

    ``times`` are milliseconds of the page's clock. The sound leaves the loudspeaker later by what
    its driver holds back, which no page can know.
    """

    pcm: Pcm
    rate: int
    times: npt.NDArray[np.float64]

    @property
    def levels(self) -> npt.NDArray[np.float64]:
        """Root mean square of each piece."""
        pieces = self.pcm.reshape(len(self.times), -1).astype(np.float64)
        mean: npt.NDArray[np.float64] = np.sqrt((pieces**2).mean(axis=1))
        return mean


class Visitor:
    """One page. ``complaints``: errors and warnings that its console shows."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.call_button = page.get_by_role("button", name="Call", exact=True)
        self.hang_up_button = page.get_by_role("button", name="Hang up")
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def status(self) -> Locator:
        """What the page says of the call."""
        return self.page.locator(".phone [role=status]")

    async def says(self, text: str, *, within_ms: int = WITHIN_MS) -> None:
        """Until the page says ``text`` of the call."""
        await expect(self.status).to_contain_text(text, timeout=within_ms)

    async def open(self, place: str = "") -> str:
        """Look at the page, or at a view of it: ``#/calls``. Returns its security policy."""
        answer = await self.page.goto(f"{self.url}/{place}")
        return "" if answer is None else answer.headers.get("content-security-policy", "")

    async def call(self) -> None:
        """By the button, until it is connected."""
        await self.call_button.click()
        await self.says("Connected")

    async def hang_up(self) -> None:
        """By the button."""
        await self.hang_up_button.click()
        await self.says("You hung up")

    async def facts(self) -> list[dict[str, Any]]:
        """Events of the data channel; ``now`` is when each came, in ms of the page's clock."""
        told: list[dict[str, Any]] = await self.page.evaluate("tap.facts")
        return told

    async def heard(self) -> Heard:
        """All that it has heard in this call."""
        got = await self.page.evaluate("tap.heard()")
        marks = np.array(got["marks"], np.float64)
        came, own, rates, lengths = marks.T
        assert np.all(rates == rates[0])
        assert np.all(lengths == lengths[0])
        pcm = np.frombuffer(base64.b64decode(got["pcm"]), "<i2").astype(np.int16)
        # Each piece knows its time on a clock of its own; the piece that waited least for the page
        # tells how the two clocks stand.
        return Heard(pcm, int(rates[0]), own + (came - own).min())

    async def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(await self.page.evaluate(script))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")


@asynccontextmanager
async def visitor(browser: Browser, url: str, *, width: int = 1280) -> AsyncIterator[Visitor]:
    """Who may use the microphone, with cookies and a window of their own."""
    context = await browser.new_context(**wide(width))
    try:
        await context.add_init_script(path=TAP)
        yield Visitor(await context.new_page(), url)
    finally:
        await context.close()
