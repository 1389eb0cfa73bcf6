"""What a call costs: processor seconds per second of call, beside pjsua2 alone in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.sipcpu import Spent, between, read
from benchmarks.sipload import callers, free_port, ramp_s, talk
from benchmarks.sipnative import native
from benchmarks.sipserved import Served, served, stereo
from media.frame import MEDIA_RATE

BAR = 0.02  # of a core, a call, all told
ENOUGH = 10  # calls from which the bar counts: below, what runs anyhow weighs on few
LOUD, HEARD = 500, 0.25  # both speak about half the time: of so many samples, a share
SETTLE_S, REST_S = 3.0, 1.5
LINE = "one two three four five six seven eight nine ten"  # 3 s; said every 6: half the time
RATES = {8_000: (), 16_000: ("sip.codecs=[PCMU,PCMA,G722]",)}


@dataclass(frozen=True, slots=True)
class Cost:
    """With so many calls: of each party, the cores it took; ``alone`` is pjsua2 without us.

    ``worker_clock`` and ``loop`` are threads of ``worker`` and ``gateway``; the rest of the
    gateway is the thread that writes recordings. ``starved``: ticks of all calls in which the
    worker had nothing to send, because the gateway was held up for longer than the ring lasts.
    """

    rate: int
    calls: int
    alone: float
    worker_clock: float
    worker: float
    loop: float
    gateway: float
    sipp: float
    others: float
    load: float
    starved: int
    minutes: float

    @property
    def told(self) -> float:
        """Worker and gateway, cores."""
        return self.worker + self.gateway

    @property
    def per_call(self) -> float:
        """Of a core."""
        return self.told / max(1, self.calls)

    @property
    def good(self) -> bool:
        """Whether the bar is kept."""
        return self.calls < ENOUGH or self.per_call <= BAR


def costs(
    folder: Path, *, rates: Sequence[int], counts: Sequence[int], seconds: float
) -> Iterator[Cost]:
    """Measure each number of calls at each rate for so long; 0 calls: what idling costs."""
    for rate in rates:
        for calls in counts:
            place = folder / f"{rate}-{calls}"
            yield _cost(place, rate=rate, calls=calls, seconds=seconds)


def _cost(folder: Path, *, rate: int, calls: int, seconds: float) -> Cost:
    port = free_port()
    with native(port=port, calls=max(1, calls), rate=rate) as pid:
        alone, _ = _measure(folder / "alone", pids=[pid], port=port, calls=calls, seconds=seconds)
    with served(folder, seats=max(1, calls), overrides=_overrides(rate, seconds)) as product:
        spent, sipp = _measure(
            folder / "sipp",
            pids=[product.pid, product.worker],
            port=product.port,
            calls=calls,
            seconds=seconds,
        )
    starved, minutes = _heard(product, calls=calls, seconds=seconds)
    return Cost(
        rate=rate,
        calls=calls,
        alone=alone.of(pid) / alone.wall_s,
        worker_clock=spent.named(product.worker, "clock") / spent.wall_s,
        worker=spent.of(product.worker) / spent.wall_s,
        loop=spent.main(product.pid) / spent.wall_s,
        gateway=spent.of(product.pid) / spent.wall_s,
        sipp=sipp,
        others=spent.others_s / spent.wall_s,
        load=os.getloadavg()[0],
        starved=starved,
        minutes=minutes,
    )


def _measure(
    folder: Path, *, pids: list[int], port: int, calls: int, seconds: float
) -> tuple[Spent, float]:
    """What the processes took while all calls were up, and the cores that SIPp took."""
    if not calls:
        first = read(*pids)
        time.sleep(seconds)
        return between(first, read(*pids)), 0.0
    lead_s = ramp_s(calls) + SETTLE_S
    talk_s = lead_s + seconds + REST_S
    with callers(folder, port=port, calls=calls, talk_s=talk_s, said=talk()) as sipp:
        time.sleep(lead_s)
        first = read(*pids, sipp.pid)
        time.sleep(seconds)
        spent = between(first, read(*pids, sipp.pid))
    return spent, spent.of(sipp.pid) / spent.wall_s


def _overrides(rate: int, seconds: float) -> tuple[str, ...]:
    starts_ms = range(0, round(1000 * seconds) + 30_000, 6_000)
    lines = ",".join(f"{{say: {LINE}, at_ms: {at}}}" for at in starts_ms)
    return ("bot=scripted", f"bot.script.lines=[{lines}]", *RATES[rate])


def _heard(product: Served, *, calls: int, seconds: float) -> tuple[int, float]:
    """Ticks without a packet, and minutes, of all calls, each of which must be whole on disk."""
    found = product.folders()
    for folder, call in found.items():
        heard = [float(np.mean(np.abs(track) > LOUD)) for track in stereo(folder / "call.wav")]
        if call["duration"] < seconds * MEDIA_RATE or min(heard) < HEARD:
            what = f"{call['duration'] / MEDIA_RATE:.1f} s, sound in {heard}"
            raise SystemExit(f"a call of {calls} is not whole: {what}")
    if len(found) != calls:
        raise SystemExit(f"{calls} calls were made, {len(found)} left a folder")
    minutes = sum(call["duration"] for call in found.values()) / MEDIA_RATE / 60
    return sum(call["rtp"]["starved"] for call in found.values()), minutes


def show(console: Console, found: Sequence[Cost]) -> None:
    """A row for each number of calls."""
    table = Table(title="% of a core per call (with no calls: % of a core)")
    columns = (
        *("bridge", "calls", "pjsua2 alone", "worker: clock", "worker: all", "gateway: loop"),
        *("gateway: all", "all told", "ratio", "SIPp", "starved ticks a minute"),
        *("others, cores", "load"),
    )
    for name in columns:
        table.add_column(name, justify="right")
    for cost in found:
        parts = (cost.alone, cost.worker_clock, cost.worker, cost.loop, cost.gateway, cost.told)
        each = max(1, cost.calls)
        table.add_row(
            f"{cost.rate // 1000} kHz",
            str(cost.calls),
            *(f"{100 * part / each:.2f}" for part in parts),
            f"{cost.told / cost.alone:.1f}" if cost.alone else "",
            f"{100 * cost.sipp / each:.2f}",
            f"{cost.starved / cost.minutes:.2f}" if cost.minutes else "",
            f"{cost.others:.2f}",
            f"{cost.load:.1f}",
        )
    console.print(table)
    console.print(f"bar: {100 * BAR:g} % from {ENOUGH} calls on", highlight=False)
