"""Makes the pictures of the page for the documentation, out of a call that is really had.

``python -m tests.peers.pictures [FOLDER]`` writes ``call.png`` and ``record.png`` to
``docs/images``. Needs Chromium and Playwright, as the tests beside it do.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import expect

from tests.peers.apart import apart
from tests.peers.chromium import LOOPBACK, chromium
from tests.peers.serving import served
from tests.peers.talk import caller, talk, warm
from tests.peers.visitor import visitor

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
INTO_MS, REST_MS = 900, 7_000  # from the first word of the last answer, and to its end


async def main(images: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            apart() as within,
            served(folder, "sip.enabled=false", within=within) as gateway,
            chromium(within, folder, microphone=caller(folder), flags=[LOOPBACK]) as browser,
            visitor(browser, gateway.url) as one,
        ):

            async def picture() -> None:
                await one.page.wait_for_timeout(INTO_MS)
                await one.page.screenshot(path=images / "call.png")
                await one.page.wait_for_timeout(REST_MS)

            await warm(one)
            await talk(one, gateway, at_the_end=picture)
            await one.page.get_by_role("link", name="Listen to this call").click()
            await expect(one.page.get_by_text("Fetching the sound")).to_be_hidden()
            answer = one.page.locator(".record .said.bot").nth(1)
            await answer.locator(".word").nth(2).click()
            await one.page.mouse.move(0, 0)
            await expect(answer.locator(".word.now")).to_be_visible()
            await one.page.screenshot(path=images / "record.png", full_page=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES))
