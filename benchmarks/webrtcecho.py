"""How long a sound is under way through the leg alone, beside stock aiortc in the same run.

What is sent is a tone whose pitch wanders, so that each packet that comes back tells which moment
of it is heard. From the moment a packet was due to the arrival of the packet that its sound is
in; both codecs' look-ahead is in that, a sound card's and a player's buffers are not.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.webrtccaller import Arrival, Caller, calling
from benchmarks.webrtcserver import Figures, serving
from benchmarks.webrtcvoice import PACKET_S, RATE, encoded, wander
from media.frame import Pcm
from media.opus import OpusDecoder, OpusSettings

SERVERS = {"stock aiortc": "stock", "leg": "echo"}
SAID = OpusSettings(bitrate=32_000, loss_percent=10)
CALLERS = 4
SETTLE_S, REST_S = 2.0, 1.0
FARTHEST_S = 1.5  # back from a packet's arrival, where its sound is looked for
# Correlation of a sound that is the caller's own, and of a place that is as likely. Copies that
# redundancy recovered reach 0.76 at the least, half of what libopus makes up more than 0.79: the
# longest time without own sound is good to a packet or so, the longest silence is sure.
SURE, TIE = 0.8, 0.97
SILENT = 100  # root mean square of what is heard; that of what is said is 5,700

Plan = Callable[[int], Iterable[tuple[float, int]]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A packet that came back: when, s after packet 0 was due; how long its sound was under way.

    ``trip_s`` is ``None`` if the sound is not the caller's own, as what a gap is filled with.
    """

    at_s: float
    trip_s: float | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Run:
    """What each caller heard, and what the legs counted."""

    what: str
    heard: list[list[Moment]]
    figures: Figures
    load: float


def run(what: str, *, plan: Plan, seconds: float, callers: int = CALLERS) -> Run:
    """Callers in different phases of the server's tick send what ``plan(caller)`` says."""
    sound = wander(seconds)
    with serving(SERVERS[what], voice=Path(os.devnull)) as server:
        heard = asyncio.run(_call(server.url, sound, [plan(n) for n in range(callers)]))
    return Run(what, heard, server.figures, os.getloadavg()[0])


def every_packet(seconds: float) -> list[tuple[float, int]]:
    """The plan in which nothing happens."""
    return [(number * PACKET_S, number) for number in range(round(seconds / PACKET_S))]


async def _call(
    url: str, sound: Pcm, plans: Sequence[Iterable[tuple[float, int]]]
) -> list[list[Moment]]:
    packets = encoded(sound, SAID)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        callers: list[Caller] = [
            await stack.enter_async_context(calling(http, url, keep=True)) for _ in plans
        ]
        async with asyncio.TaskGroup() as talks:
            for caller, plan in zip(callers, plans, strict=True):
                talks.create_task(caller.talk(packets, plan))
                await asyncio.sleep(PACKET_S * (1 + 1 / len(plans)))
        await asyncio.sleep(REST_S)
    return [moments(caller.arrivals, sound, began_s=caller.began_s) for caller in callers]


def moments(arrivals: Sequence[Arrival], sound: Pcm, *, began_s: float) -> list[Moment]:
    """What the packets that came back were of ``sound``, whose first was due at ``began_s``."""
    decoder, found = OpusDecoder(RATE), []
    trip_s: float | None = None
    for arrival in arrivals:
        pcm, at_s = decoder.decode(arrival.payload), arrival.at_s - began_s
        silent = float(np.sqrt(np.mean(np.square(pcm, dtype=float)))) < SILENT
        trip_s = None if silent else _trip_s(pcm, sound, at_s=at_s, near_s=trip_s)
        found.append(Moment(at_s, trip_s, silent))
    decoder.close()
    return found


def _trip_s(pcm: Pcm, sound: Pcm, *, at_s: float, near_s: float | None) -> float | None:
    """How long before ``at_s`` it was said; of places as likely, the one nearest to the last."""
    end = min(len(sound), max(0, round(at_s * RATE)))
    start = max(0, end - round(FARTHEST_S * RATE))
    if end - start < len(pcm):
        return None
    match = _match(pcm, sound[start:end])
    if match.max() < SURE:
        return None
    places = np.flatnonzero(match >= TIE * match.max())
    trips = at_s - (start + places) / RATE
    best = match[places].argmax() if near_s is None else np.abs(trips - near_s).argmin()
    return float(trips[best])


def _match(pcm: Pcm, sound: Pcm) -> npt.NDArray[np.float64]:
    """Correlation, -1 to 1, of ``pcm`` with each stretch of ``sound`` of its length."""
    x, y = pcm.astype(float), sound.astype(float)
    size = 1 << (len(y) + len(x)).bit_length()
    cross = np.fft.irfft(np.fft.rfft(y, size) * np.conj(np.fft.rfft(x, size)), size)
    power = np.concatenate(([0.0], np.cumsum(y * y)))
    around = power[len(x) :] - power[: -len(x)]
    match: npt.NDArray[np.float64] = cross[: len(around)] / np.sqrt(
        np.maximum(around * (x @ x), 1.0)
    )
    return match


def trips_ms(moments: Iterable[Moment], *, since_s: float, until_s: float) -> list[float]:
    """Of the caller's own sound that came in that time."""
    return [
        1_000 * one.trip_s
        for one in moments
        if one.trip_s is not None and since_s <= one.at_s < until_s
    ]


def echoes(*, seconds: float) -> list[Run]:
    """Nothing is lost."""
    return [run(what, plan=lambda _: every_packet(seconds), seconds=seconds) for what in SERVERS]


def show(console: Console, found: Sequence[Run], *, seconds: float) -> None:
    """A row each."""
    table = Table(title="leg alone: round trip of a sound, and spacing of the packets sent, ms")
    names = ("packets", "trip p50", "p95", "worst", "spacing p50", "p99", "worst", "load")
    table.add_column("what")
    for name in names:
        table.add_column(name, justify="right")
    for one in found:
        trips = [
            ms for call in one.heard for ms in trips_ms(call, since_s=SETTLE_S, until_s=seconds)
        ]
        gaps = [
            gap
            for call in one.heard
            for gap in 1_000 * np.diff([m.at_s for m in call if m.at_s > SETTLE_S])
        ]
        figures = (*np.percentile(trips, [50, 95, 100]), *np.percentile(gaps, [50, 99, 100]))
        told = (f"{figure:.1f}" for figure in (*figures, one.load))
        table.add_row(one.what, str(len(trips)), *told)
    console.print(table)
