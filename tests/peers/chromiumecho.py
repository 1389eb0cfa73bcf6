"""How long a sound takes from the microphone of a browser to the leg, back, and to its loudspeaker.

Debian's Chromium on this machine, without a network between: what is measured is the leg, and what
the browser itself needs for its sound both ways.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import chirp

from media.frame import Pcm
from tests.peers.apart import apart
from tests.peers.chromium import LOOPBACK, chromium, wide
from tests.peers.sound import WIDE, spaced, write

ROOT = Path(__file__).resolve().parents[2]
PIP_S, EVERY_S = 0.12, 2.0
LATEST_S = 1.0  # an echo later than this would be taken for that of the next pip, or for none
CLEAR = 0.5  # of the likeness that a pip has with itself


def round_trip_ms(folder: Path, *, seconds: float = 12.0) -> list[float]:
    """Milliseconds of each pip that the microphone heard, from there to its echo in the page.

    A pip is 120 ms from 400 to 3400 Hz, every two seconds; it stands where it correlates best.
    One whose echo is not found is missing. ``folder`` is for what the browser needs.
    """
    both = asyncio.run(_measure(folder, seconds=seconds))
    return delays_ms(both[0], both[1])


def delays_ms(spoken: Pcm, heard: Pcm) -> list[float]:
    """Of each pip in ``spoken``, both at 48 kHz and on one clock."""
    before, after = _likeness(spoken), _likeness(heard)
    reach, found = int(LATEST_S * WIDE), []
    for start in _peaks(before):
        echo = after[start : start + reach]
        if len(echo) == reach and echo.max() > CLEAR * after.max():
            found.append(float(np.argmax(echo)) / WIDE * 1000)
    return found


def pip() -> Pcm:
    """One, at 48 kHz."""
    at = np.arange(int(PIP_S * WIDE)) / WIDE
    sound: Pcm = (12_000 * np.hanning(len(at)) * chirp(at, 400, PIP_S, 3400)).astype(np.int16)
    return sound


def _likeness(pcm: Pcm) -> npt.NDArray[np.float64]:
    wanted = pip().astype(np.float64)
    size = 1 << (len(pcm) + len(wanted)).bit_length()
    match = np.fft.irfft(np.fft.rfft(pcm, size) * np.conj(np.fft.rfft(wanted, size)), size)
    return np.abs(match[: len(pcm)])


def _peaks(likeness: npt.NDArray[np.float64]) -> list[int]:
    """The best place of each second that has a clear one, away from its edges' doubles."""
    found: list[int] = []
    rest = likeness.copy()
    while len(found) < len(likeness) // WIDE and rest.max() > CLEAR * likeness.max():
        place = int(np.argmax(rest))
        found.append(place)
        rest[max(0, place - WIDE) : place + WIDE] = 0
    return sorted(found)


async def _measure(folder: Path, *, seconds: float) -> tuple[Pcm, Pcm]:
    sound = spaced([0.5, pip(), EVERY_S - PIP_S - 0.5], rate=WIDE)
    microphone = write(folder / "pips.wav", sound, rate=WIDE)
    async with (
        apart() as within,
        _echoes(within) as url,
        chromium(within, folder, microphone=str(microphone), flags=[LOOPBACK]) as browser,
    ):
        page = await browser.new_page(**wide(800))
        await page.goto(url)
        await page.click("p")  # a page that nobody has touched may not play
        both = await page.evaluate("seconds => measure(seconds)", seconds)
    pcm = np.frombuffer(base64.b64decode(both), "<i2").astype(np.int16).reshape(-1, 2)
    return pcm[:, 0], pcm[:, 1]


@asynccontextmanager
async def _echoes(within: Sequence[str]) -> AsyncIterator[str]:
    """The server, in a process of its own; its address."""
    pipe = asyncio.subprocess.PIPE
    command = [*within, sys.executable, "-m", "tests.peers.echoserver"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            url = (await process.stdout.readline()).decode().strip()
        yield url
    finally:
        process.stdin.close()
        await process.wait()
