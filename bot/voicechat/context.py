"""Who has which row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.errors import NoFreeSlot
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, Prepared
from bot.voicechat.outputs import Transcript
from bot.voicechat.seating import FrameIn, Seats
from bot.voicechat.streams import Frame, Packets, StreamError

ENGINE = "voicechat"

LIVE = "is_first=True, but it is live already"
NOT_LIVE = "not live: it has ended, or its first frame lacks is_first=True"


@dataclass(frozen=True, slots=True)
class Slot:
    """A stream's place: the row of every state tensor that is its own, and what is kept of it on
    the host's side."""

    stream_id: int
    row: int
    packets: Packets
    transcript: Transcript

    def taken(self, frame: Frame) -> list[FrameIn]:
        """The stream's next frame as what its row steps with."""
        packets = self.packets.push(frame.samples)
        return [*packets, *self.packets.flush()] if frame.is_last else packets


class S2SContextManager:
    """Owns the slots.

    A *slot* is one row of every state tensor (ears, RNN-T, mind, sampling, turns, mouth), leased to
    one stream from its first frame to its last. Their number is that of the rows of ``seats``, and
    fixed; a stream that is gone must be released, or its slot is lost until the session ends.
    """

    def __init__(self, seats: Seats) -> None:
        self.seats = seats
        self._slots: dict[int, Slot] = {}
        self._free = [*reversed(range(seats.rows))]
        self._kept: tuple[CallOptions, Prepared] | None = None

    def __contains__(self, stream_id: int) -> bool:
        return stream_id in self._slots

    def __iter__(self) -> Iterator[int]:
        """Ids of the live streams, in the order in which they came."""
        return iter([*self._slots])

    @property
    def free(self) -> int:
        """Slots that nobody has."""
        return len(self._free)

    def slot(self, stream_id: int) -> Slot:
        """Raises ``StreamError`` for a stream that has none."""
        if stream_id not in self._slots:
            raise StreamError(stream_id=stream_id, why=NOT_LIVE)
        return self._slots[stream_id]

    def prepared(self, options: CallOptions) -> Prepared:
        """For ``lease``; the last one is kept, so that one prompt of many streams is taken once.

        Raises what ``VoiceChat.prepared`` does.
        """
        if self._kept is None or self._kept[0] != options:
            self._kept = None  # a row's memory, and there need not be room for two
            self._kept = (options, self.seats.model.prepared(options, self.seats.length))
        return self._kept[1]

    def lease(self, stream_id: int, prepared: Prepared) -> Slot:
        """A slot right before its first frame.

        Raises ``StreamError`` for a stream that has one, ``NoFreeSlot`` if there is none.
        """
        if stream_id in self._slots:
            raise StreamError(stream_id=stream_id, why=LIVE)
        if not self._free:
            raise NoFreeSlot(engine=ENGINE, width=self.seats.rows)
        self.seats.begin(self._free[-1], prepared)
        slot = Slot(stream_id, self._free.pop(), Packets(), Transcript(self.seats.model))
        self._slots[stream_id] = slot
        return slot

    def release(self, stream_id: int) -> None:
        """Of a stream that has ended or is gone; nothing happens if it has no slot."""
        slot = self._slots.pop(stream_id, None)
        if slot is not None:
            self._free.append(slot.row)

    def demand(self, slot: Slot, frames: int) -> None:
        """Raises ``StreamError`` if its row has no room for so many more frames."""
        length = self.seats.length
        if self.seats.used(slot.row) + frames > length:
            why = f"its {length} frames are used up; end it, or give the pipeline more length"
            raise StreamError(stream_id=slot.stream_id, why=why)

    def check(self, frames: Sequence[Frame]) -> None:
        """What is wrong with the ``frames`` of a step, as far as can be said beforehand.

        Raises ``StreamError``, or ``NoFreeSlot`` for more new streams than free slots.
        """
        seen: set[int] = set()
        for frame in frames:
            if why := self._wrong(frame, seen):
                raise StreamError(stream_id=frame.stream_id, why=why)
            seen.add(frame.stream_id)
        if sum(frame.is_first for frame in frames) > self.free:
            raise NoFreeSlot(engine=ENGINE, width=self.seats.rows)

    def _wrong(self, frame: Frame, seen: set[int]) -> str | None:
        if frame.stream_id in seen:
            return "two frames in one step"
        if frame.is_first and frame.stream_id in self:
            return LIVE
        if not frame.is_first and frame.stream_id not in self:
            return NOT_LIVE
        if frame.is_last:
            return None
        if not frame.length and not frame.is_first:
            return "an empty frame that is neither first nor last"
        if frame.length % FRAME:
            return f"{frame.length} samples are no multiple of {FRAME} (80 ms)"
        return None
