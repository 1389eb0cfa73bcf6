"""A whole input on its way through a slot."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from bot.voicechat.context import S2SContextManager, Slot
from bot.voicechat.outputs import S2SStreamingOutput
from bot.voicechat.seating import FrameIn, FrameOut
from bot.voicechat.streams import Frame, Stream, StreamError
from media.errors import ParleyError

FAULTS = (ParleyError, OSError, ValueError)
"""What ends one stream, and no other."""


class Reading:
    """A stream that is read as it goes: one of its frames is in memory at a time.

    ``begin`` gives its first frame a slot; all that is said goes to ``output``.
    """

    def __init__(
        self,
        stream: Stream,
        context: S2SContextManager,
        *,
        begin: Callable[[Frame], Slot],
        output: S2SStreamingOutput,
    ) -> None:
        self._stream, self._context, self._begin = stream, context, begin
        self._output = output
        self._frames: Iterator[Frame] | None = None
        self._slot: Slot | None = None
        self._ready: deque[FrameIn] = deque()
        self._over = False

    @property
    def row(self) -> int:
        """Of one that is loaded."""
        assert self._slot is not None
        return self._slot.row

    @property
    def packet(self) -> FrameIn:
        """To step with, of one that is loaded."""
        return self._ready[0]

    def load(self) -> bool:
        """Have a packet; False at the end, and if something is wrong: see ``ended``."""
        try:
            while not self._ready and not self._over:
                self._read()
            if self._ready and self._slot is not None:
                self._context.demand(self._slot, 1)
        except FAULTS as error:
            self._output.error = error
            return False
        return bool(self._ready)

    def take(self, said: FrameOut) -> None:
        """What was said to the packet."""
        self._ready.popleft()
        self._append([said])

    def ended(self) -> S2SStreamingOutput:
        """All of it, and in ``error`` what was wrong. Its slot is free."""
        if self._slot is not None:
            self._append([], last=True)
            self._context.release(self._slot.stream_id)
            self._slot = None
        return self._output

    def _append(self, said: Sequence[FrameOut], *, last: bool = False) -> None:
        assert self._slot is not None
        told = self._slot.transcript.told(self._output.stream_id, said, last=last)
        self._output.append(told)

    def _read(self) -> None:
        if self._frames is None:
            self._frames = iter(self._stream)
        frame = next(self._frames, None)
        if frame is None:
            raise StreamError(stream_id=self._stream.stream_id, why="no frame of it is the last")
        if frame.is_first != (self._slot is None):
            why = "a second first frame" if frame.is_first else "its first frame lacks is_first"
            raise StreamError(stream_id=self._stream.stream_id, why=why)
        if self._slot is None:
            self._slot = self._begin(frame)
        self._ready += self._slot.taken(frame)
        self._over = frame.is_last
