"""Where a recording of a tone is loud, in windows of 20 ms at 8 kHz."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from media.frame import MEDIA_RATE, Pcm
from tests.peers.softphone import PACKET, RATE, pitch

TONE = 1_000  # root mean square; the tones of the tests have 5600


def loud(pcm: Pcm, *, above: float = TONE) -> npt.NDArray[np.bool_]:
    """Whether each window's root mean square is ``above``."""
    windows = pcm[: len(pcm) // PACKET * PACKET].reshape(-1, PACKET).astype(np.float64)
    heard: npt.NDArray[np.bool_] = np.sqrt((windows**2).mean(axis=1)) > above
    return heard


def stretches_ms(pcm: Pcm) -> list[tuple[int, int]]:
    """Beginnings and ends of what is loud."""
    steps = np.flatnonzero(np.diff(np.concatenate([[0], loud(pcm).astype(int), [0]])))
    return [(int(begin) * 20, int(end) * 20) for begin, end in steps.reshape(-1, 2)]


def longest_hole_ms(pcm: Pcm) -> int:
    """The longest quiet between the first and the last loud window."""
    runs = stretches_ms(pcm)
    assert runs, "nothing loud at all"
    holes = (then[0] - now[1] for now, then in pairwise(runs))
    return max(holes, default=0)


def pitch_of(pcm: Pcm, begin_ms: int, end_ms: int) -> float:
    """The strongest frequency of a stretch, in hertz."""
    return pitch(pcm[begin_ms * RATE // 1000 : end_ms * RATE // 1000])


async def recorded(folder: Path, *, seconds: float, within_s: float = 15.0) -> None:
    """Wait until a call's recording is that long; it grows by half a second at a time."""
    file = folder / "call.wav"
    async with asyncio.timeout(within_s):
        while not file.exists() or file.stat().st_size < seconds * MEDIA_RATE * 4:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
