"""Debian's Chromium, driven by Playwright, in a network of its own."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.peers.apart import can_be_apart

PROGRAM = "chromium"
FLAGS = (
    "--no-sandbox",  # or it does not start for root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Without, it looks for no way to 127.0.0.1 while there is no other address, and finds none.
LOOPBACK = "--allow-loopback-in-peer-connection"


def has_chromium() -> bool:
    """Whether there is one, what drives it, and a network to shut it into."""
    there = shutil.which(PROGRAM) is not None and find_spec("playwright") is not None
    return there and can_be_apart()


@asynccontextmanager
async def chromium(
    within: Sequence[str], folder: Path, *, microphone: str | None, flags: Sequence[str] = ()
) -> AsyncIterator[Browser]:
    """A browser that is started with ``within`` before its command (``apart``).

    ``microphone`` is a WAV, played to every page that asks from its beginning on, again and again,
    or once if ``%noloop`` stands behind its name. ``None``: the machine has none.
    """
    launcher = folder / "launch-chromium"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.join(within)} {PROGRAM} "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    told = [*FLAGS, *flags]
    if microphone is not None:
        told += ["--use-fake-device-for-media-stream"]
        told += [f"--use-file-for-fake-audio-capture={microphone}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=launcher, args=told)
        try:
            yield browser
        finally:
            await browser.close()


def wide(width: int, height: int = 800, **more: Any) -> dict[str, Any]:
    """A window whose pages may use the microphone."""
    return {"viewport": {"width": width, "height": height}, "permissions": ["microphone"], **more}
