"""A recorded caller: says again what was said, at the same places, whatever the bot does."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from bot.facts import Digit, Held
from gateway.legs.base import LegEvent, Moved
from gateway.legs.pace import ticks
from gateway.outcome import Outcome
from media.clock import Clock
from media.frame import MEDIA_RATE, PACKET, AudioFrame, Pcm, silence
from media.framer import Framer
from media.level import is_silent
from media.playout import FrameSource

QUIET = 2 * MEDIA_RATE  # after the recording, the bot has done when it was quiet for so long


class ReplayLeg:
    """Plays ``sound`` (int16 runs at 16 kHz) as the caller's, then silence until the bot is done.

    ``keys`` are the digits, holds and moves of the recorded call, told at their places. ``tail``
    bounds the silence, in samples at 16 kHz. Errors of ``sound`` pass through ``events``.
    """

    rate = MEDIA_RATE

    def __init__(
        self,
        sound: Iterable[Pcm],
        *,
        clock: Clock,
        facts: Mapping[str, str],
        keys: Iterable[Digit | Held | Moved] = (),
        tail: int = 15 * MEDIA_RATE,
    ) -> None:
        self._packets = _packets(sound)
        self._clock, self._tail = clock, tail
        self._keys = deque(sorted(keys, key=lambda key: key.at))
        self._source: FrameSource | None = None
        self._facts = {"leg": "replay", **facts}
        self._over = False

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
        """What the recording says, and what the bot was heard to say, packet by packet."""
        assert self._source is not None
        spoken_until, ended = 0, None
        async for tick in ticks(self._clock):
            if self._over:
                return
            now = tick * PACKET
            played = self._source.pull()
            if not is_silent(played.frame.pcm):
                spoken_until = now + PACKET
            yield played
            if tick == 0:
                continue  # what the caller says in a packet is known when the packet is over
            while self._keys and self._keys[0].at < now:
                yield self._keys.popleft()
            packet = next(self._packets, None)
            if packet is None:
                ended = now if ended is None else ended
                if now - max(ended, spoken_until) >= QUIET or now - ended >= self._tail:
                    return
                packet = silence(PACKET)
            yield AudioFrame(packet, MEDIA_RATE, now - PACKET)


def _packets(sound: Iterable[Pcm]) -> Iterator[Pcm]:
    """Equal packets; the last one is filled up with silence."""
    framer = Framer(PACKET)
    for run in sound:
        yield from framer.push(run)
    if framer.pending:
        yield from framer.push(np.zeros(PACKET - framer.pending, np.int16))
