"""A scripted caller who listens: waits for the bot, talks over it, presses keys, hangs up.

Sound passes through G.711 both ways, with line noise and, if asked, the echo of a loudspeaker.
Samples, tests and load runs use it; it is product code like any other leg.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bot.facts import Digit, Held
from gateway.legs.base import LegEvent
from gateway.legs.pace import ticks
from gateway.outcome import Outcome
from media.clock import Clock
from media.frame import AudioFrame, Pcm
from media.g711 import ulaw_decode, ulaw_encode
from media.level import is_silent
from media.playout import FrameSource

RATE = 8_000
PACKET = 160  # 20 ms
AUDIBLE_DBFS = -50.0


@dataclass(frozen=True, slots=True)
class Speak:
    """Say ``pcm`` (int16, 8 kHz)."""

    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until the bot has spoken and then been quiet for ``quiet_ms``, at most ``most_ms``."""

    quiet_ms: int = 700
    most_ms: int = 20_000


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Wait until the bot has been speaking for ``after_ms``, at most ``most_ms``."""

    after_ms: int = 1_000
    most_ms: int = 20_000


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for ``ms``."""

    ms: int


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys, one every 300 ms, as RFC 4733 events."""

    keys: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the call on hold, or take it back."""

    on: bool


Deed: TypeAlias = Speak | Await | Interrupt | Pause | Press | Hold


@dataclass(frozen=True, slots=True)
class Line:
    """The line between the caller and us: noise, and the bot's echo if ``echo_db`` is given."""

    noise_dbfs: float = -50.0
    echo_db: float | None = None
    echo_ms: int = 120
    seed: int = 0


class _Ear:
    """What a caller can tell of the bot: whether it speaks, and for how long."""

    def __init__(self) -> None:
        self.loud_ms, self.quiet_ms, self.has_spoken = 0, 0, False

    def hear(self, pcm: Pcm) -> None:
        if is_silent(pcm, floor_dbfs=AUDIBLE_DBFS):
            self.quiet_ms += 20
            if self.quiet_ms > 400:
                self.loud_ms = 0
        else:
            self.loud_ms, self.quiet_ms, self.has_spoken = self.loud_ms + 20, 0, True


class MemoryLeg:
    """One scripted caller. The call ends when the deeds are done."""

    rate = RATE

    def __init__(
        self,
        deeds: Iterable[Deed],
        *,
        clock: Clock,
        line: Line | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self._deeds, self._clock, self._line = deeds, clock, line or Line()
        self._rng = np.random.default_rng(self._line.seed)
        self._ear = _Ear()
        self._source: FrameSource | None = None
        self._over = False
        self._facts = {"leg": "memory", "codec": "PCMU/8000", **(facts or {})}
        self._echo = np.zeros(RATE, np.float64)  # the last second of what the bot said

    @property
    def facts(self) -> Mapping[str, str]:
        return self._facts

    @property
    def figures(self) -> Mapping[str, Any]:
        return {}

    async def answer(self, source: FrameSource) -> None:
        """From now on the bot is heard."""
        self._source = source

    async def hangup(self, outcome: Outcome) -> None:
        """The stream ends at the next packet."""
        self._over = True

    async def events(self) -> AsyncIterator[LegEvent]:
        """What the caller says and does, packet by packet, and what of the bot went out."""
        assert self._source is not None
        deeds = self._act()
        async for tick in ticks(self._clock):
            if self._over:
                return
            played = self._source.pull()
            heard = ulaw_decode(ulaw_encode(played.frame.pcm))
            self._ear.hear(heard)
            self._echo = np.concatenate([self._echo[PACKET:], heard])
            yield played
            if tick == 0:
                continue  # what the caller says in a packet is known when the packet is over
            said = next(deeds, None)
            if said is None:
                return
            pcm, signal = said
            if signal is not None:
                at = (tick - 1) * PACKET * 2
                match signal:
                    case Hold(on=on):
                        yield Held(at, on)
                    case Press(keys=key):
                        yield Digit(at, key)
            yield AudioFrame(self._through_the_line(pcm), RATE, (tick - 1) * PACKET)

    def _act(self) -> Iterator[tuple[Pcm | None, Press | Hold | None]]:
        for deed in self._deeds:
            match deed:
                case Speak(pcm=pcm):
                    for start in range(0, len(pcm), PACKET):
                        yield pcm[start : start + PACKET], None
                case Await():
                    yield from self._wait_for_silence(deed)
                case Interrupt():
                    waited = 0
                    while self._ear.loud_ms < deed.after_ms and waited < deed.most_ms:
                        waited += 20
                        yield None, None
                case Pause(ms=ms):
                    for _ in range(ms // 20):
                        yield None, None
                case Press(keys=keys):
                    for key in keys:
                        yield None, Press(key)
                        for _ in range(14):
                            yield None, None
                case Hold():
                    yield None, deed

    def _wait_for_silence(self, deed: Await) -> Iterator[tuple[Pcm | None, None]]:
        self._ear.has_spoken = False
        for _ in range(deed.most_ms // 20):
            if self._ear.has_spoken and self._ear.quiet_ms >= deed.quiet_ms:
                return
            yield None, None

    def _through_the_line(self, pcm: Pcm | None) -> Pcm:
        line = self._line
        mix = self._rng.standard_normal(PACKET) * 32768 * 10 ** (line.noise_dbfs / 20)
        if pcm is not None:
            mix[: len(pcm)] += pcm
        if line.echo_db is not None:
            first = len(self._echo) - PACKET - line.echo_ms * RATE // 1000
            mix += self._echo[first : first + PACKET] * 10 ** (line.echo_db / 20)
        clipped = np.clip(np.rint(mix), -32768, 32767).astype(np.int16)
        return ulaw_decode(ulaw_encode(clipped))
