"""Bot audio waiting to be heard: pushed in blocks, pulled in packets, flushed by swapping.

Without a lock, because the puller may be a native audio thread that must not wait: the pusher
cuts whole packets and appends them, each packet leaves the queue by one atomic ``popleft``, and
so belongs to exactly one of the two who may take it, the puller or the flush.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from media.errors import FormatMismatch
from media.frame import MEDIA_RATE, AudioFrame, Pcm, silence
from media.level import FULL_SCALE, SILENT_DBFS, is_silent

WINDOW = 16
"""Pushes (of 80 ms: 1.3 s) over which the *lowest* reserve must be too high before it is cut.

A producer that delivers in bursts swings by a whole block; its lowest reserve does not.
"""

_SILENT_POWER = (FULL_SCALE * 10 ** (SILENT_DBFS / 20)) ** 2


@dataclass(frozen=True, slots=True)
class Played:
    """One packet as it went out.

    ``frame`` is at the leg's rate, its start in samples since media began. ``epoch`` counts the
    flushes before it. ``until`` is the bot time (16 kHz) up to which bot audio has been sent so
    far, this packet included. ``filled`` samples of it are fill, not the engine's.
    """

    frame: AudioFrame
    epoch: int
    until: int
    filled: int


class FrameSource(Protocol):
    """What a leg pulls from, once per packet, on the leg's own clock and thread."""

    def pull(self) -> Played:
        """The next packet; always one, silence if there is nothing to say. Never blocks."""


class _Packet(NamedTuple):
    pcm: Pcm
    until: int  # bot time after it
    before: int  # bot time before it
    filled: int
    speech: bool  # whether it ends in sound, so that a hole after it would be heard


class _Line:
    """The queue of one epoch. ``rest`` (shorter than a packet) is the pusher's alone.

    The first ``rest_filled`` samples of ``rest`` are fill; ``rest_end`` is the bot time after it,
    ``until`` the bot time after the last packet made.
    """

    __slots__ = ("epoch", "fresh", "packets", "rest", "rest_end", "rest_filled", "until")

    def __init__(self, *, epoch: int, until: int) -> None:
        self.epoch, self.until = epoch, until
        self.packets: deque[_Packet] = deque()
        self.fresh = True
        self.rest, self.rest_filled, self.rest_end = silence(0), 0, until


class Playout:
    """One call's bot audio between the engine's 80 ms blocks and the leg's packets.

    ``rate`` hertz; ``packet`` samples per pull; ``depth`` samples of reserve that shall be left
    just before the next block comes; at most ``limit`` samples wait. All at ``rate``.

    *Kept depth.* Where a stream begins (at first, after a flush, after running dry) ``depth``
    samples of fill go in front. Later, silent blocks are lengthened or shortened whenever the
    reserve has strayed by more than a packet; speech is never touched.

    Counts, in samples at ``rate``: ``pushed == played + flushed + queued + trimmed`` (engine's
    audio) and ``padded`` (fill put in to keep the depth). In packets: ``underruns``, pulls that
    found nothing while speech was under way; ``splices``, the holes these made. In refused
    pushes: ``stale`` (an old epoch), ``overruns`` (beyond the limit).

    Threads: one pushes and flushes, one pulls.
    """

    def __init__(self, *, rate: int, packet: int, depth: int, limit: int) -> None:
        if rate < 1 or packet < 1 or depth < 0 or limit < depth + packet:
            what = f"rate {rate}, packet {packet}, depth {depth}, limit {limit}"
            raise FormatMismatch(where="playout", what=what, remedy="limit >= depth + packet")
        self._rate, self._packet, self._depth, self._limit = rate, packet, depth, limit
        self._line = _Line(epoch=0, until=0)
        self._reserves: deque[int] = deque(maxlen=WINDOW)
        self._end = self._seen_dry = 0
        self.pushed = self.flushed = self.trimmed = self.padded = self.stale = self.overruns = 0
        # From here on the puller's own; the pusher only reads.
        self._nothing = silence(packet)
        self._nothing.setflags(write=False)
        self._start = self._until = self._dry = 0
        self._speaking: _Line | None = None
        self._hole = False
        self.played = self.underruns = self.splices = 0

    @property
    def epoch(self) -> int:
        """What ``push`` must name: the number of flushes so far."""
        return self._line.epoch

    @property
    def queued(self) -> int:
        """Samples of the engine's audio that wait to be played."""
        line = self._line
        waiting = sum(self._packet - packet.filled for packet in list(line.packets))
        return waiting + len(line.rest) - line.rest_filled

    @property
    def reserve(self) -> int:
        """Samples that wait to be played, fill included."""
        return len(self._line.packets) * self._packet + len(self._line.rest)

    # ---- the pusher's side -------------------------------------------------------------------

    def push(self, pcm: Pcm, *, end: int, epoch: int) -> bool:
        """Queue int16 ``[n]`` at ``rate``; ``end`` is the bot time (16 kHz) after its last sample.

        False, and nothing is kept, if ``epoch`` is over or more than ``limit`` would wait.
        """
        line = self._line
        if epoch != line.epoch:
            self.stale += 1
            return False
        reserve = self.reserve
        if reserve + len(pcm) > self._limit:
            self.overruns += 1
            return False
        begins = line.fresh or (self._dry != self._seen_dry and not line.packets)
        if begins:
            self._reserves.clear()
            fill, cut = self._depth, 0
        else:
            fill, cut = self._adjust(pcm, reserve)
        self.pushed += len(pcm)
        self.trimmed += cut
        self.padded += fill
        self._end = end
        if begins:  # in front of the rest, which the new block continues without a seam
            line.rest = np.concatenate((silence(fill), line.rest))
            line.rest_filled += fill
            fill = 0
        self._cut(line, pcm[cut:], fill=fill, end=end)
        line.fresh = False
        self._seen_dry = self._dry
        return True

    def flush(self) -> tuple[int, int]:
        """Throw away all that waits and begin the next epoch.

        Returns the bot time heard, and for how many samples of bot time (16 kHz) after it
        everything handed out so far stays unheard.
        """
        old = self._line
        self._line = _Line(epoch=old.epoch + 1, until=old.until)
        heard = old.until
        thrown = len(old.rest) - old.rest_filled
        first = True
        while True:
            try:
                packet = old.packets.popleft()
            except IndexError:  # all that was not caught here, the puller took: heard
                break
            if first:
                heard, first = packet.before, False
            thrown += self._packet - packet.filled
        self.flushed += thrown
        self._line.until = self._line.rest_end = heard
        return heard, self._end - heard

    def _adjust(self, pcm: Pcm, reserve: int) -> tuple[int, int]:
        """Samples of fill to put before this block, and samples to cut from its front."""
        self._reserves.append(reserve)
        low = reserve < self._depth - self._packet
        lowest = min(self._reserves)
        high = len(self._reserves) == WINDOW and lowest >= self._depth + self._packet
        if not (low or high) or not is_silent(pcm):
            return 0, 0
        if low:
            self._reserves.clear()
            return self._depth - reserve, 0
        cut = min(lowest - self._depth, len(pcm))
        self._reserves = deque((r - cut for r in self._reserves), WINDOW)
        return 0, cut

    def _cut(self, line: _Line, pcm: Pcm, *, fill: int, end: int) -> None:
        """Append rest, fill and block to the line, in whole packets; keep what is left over."""
        size = self._packet
        run = np.concatenate((line.rest, silence(fill), pcm))
        rest, total = len(line.rest), len(run)
        whole = total - total % size
        for at, speech in zip(range(0, whole, size), _speech(run[:whole], size), strict=True):
            stop = at + size
            until = line.until
            if stop > rest + fill:
                until = end - self._bot_time(total - stop)
            elif stop > line.rest_filled:
                until = line.rest_end - self._bot_time(max(0, rest - stop))
            until = max(until, line.until)
            filled = _overlap(at, stop, 0, line.rest_filled)
            filled += _overlap(at, stop, rest, rest + fill)
            line.packets.append(_Packet(run[at:stop], until, line.until, filled, speech))
            line.until = until
        filled = _overlap(whole, total, 0, line.rest_filled)
        line.rest_filled = filled + _overlap(whole, total, rest, rest + fill)
        line.rest = run[whole:]
        if len(pcm):  # else the whole block was cut, and the rest ends where it did
            line.rest_end = end

    def _bot_time(self, samples: int) -> int:
        """Samples at ``rate`` as samples at 16 kHz, rounded up: never claim what was not sent."""
        return -(-samples * MEDIA_RATE // self._rate)

    # ---- the puller's side -------------------------------------------------------------------

    def pull(self) -> Played:
        """The next ``packet`` samples; silence (read-only zeros) if none wait. Never blocks."""
        start = self._start
        self._start = start + self._packet
        while True:
            line = self._line
            try:
                packet = line.packets.popleft()
            except IndexError:
                if line is self._line:
                    return self._run_dry(line, start)
                continue  # flushed under our hands: look at the new epoch
            break
        self.played += self._packet - packet.filled
        self._until = packet.until
        self._speaking = line if packet.speech else None
        self._hole = False
        frame = AudioFrame(packet.pcm, self._rate, start)
        return Played(frame, line.epoch, packet.until, packet.filled)

    def _run_dry(self, line: _Line, start: int) -> Played:
        self._dry += 1
        if self._speaking is line:  # after a flush silence is what was asked for
            self.underruns += 1
            self.splices += not self._hole
            self._hole = True
        frame = AudioFrame(self._nothing, self._rate, start)
        return Played(frame, line.epoch, self._until, self._packet)


def _speech(run: Pcm, size: int) -> list[bool]:
    """For each packet of ``size`` in ``run``, whether its last quarter is sound."""
    ends = run.reshape(-1, size)[:, -max(1, size // 4) :].astype(np.float32)
    return [power >= _SILENT_POWER for power in np.square(ends).mean(axis=1).tolist()]


def _overlap(a: int, b: int, c: int, d: int) -> int:
    return max(0, min(b, d) - max(a, c))
