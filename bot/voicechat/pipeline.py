"""NeMo's S2S streaming pipeline, for many streams at once: live sound, or whole inputs.

    Frame ─ Packets ─ FrameIn ─┬─ Seats.step: one model frame of all rows that are due
    (n × 80 ms, one stream)    │
    GenerateStepOutput ─ Transcript ─ FrameOut

A step is perception, language model, talker, codec, as in ``model``; who has which row is in
``context``. Precision is the caller's (``precision``), as is the thread: nothing here is shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.errors import BotError, NoFreeSlot
from bot.voicechat.context import ENGINE, S2SContextManager, Slot
from bot.voicechat.model import VoiceChat
from bot.voicechat.options import OptionError
from bot.voicechat.outputs import GenerateStepOutput, S2SCapabilities, S2SStreamingOutput
from bot.voicechat.reading import Reading
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.seating import FrameIn, FrameOut, Seats
from bot.voicechat.streams import Frame, Stream


class SessionError(BotError):
    """A session is ``wanted`` open or closed, and is not."""

    def __init__(self, *, wanted: str, remedy: str) -> None:
        self.wanted, self.remedy = wanted, remedy
        super().__init__(f"the pipeline's session is not {wanted}; {remedy}")


@dataclass(frozen=True, slots=True)
class S2SSettings:
    """Of a pipeline. Raises ``OptionError``."""

    length: int = 8192
    """Frames of 80 ms that a stream may have, its prompt's positions included (NeMo's
    ``max_len``)."""
    batch_size: int = 1
    """Slots: streams that may be live at a time."""
    decode_audio: bool = True
    """Without it there is text, and neither sound nor its cost."""
    defaults: S2SRequestOptions = field(default_factory=S2SRequestOptions)
    graphs: bool = False
    """Steps are CUDA graphs; nothing on a CPU."""
    spans: tuple[int, ...] = ()
    """See ``Seats``."""

    def __post_init__(self) -> None:
        for name in ("length", "batch_size"):
            if getattr(self, name) < 1:
                raise OptionError(name=name, value=getattr(self, name), wanted="1 or more")


class StreamingS2SPipeline:
    """Streams in slots of one model.

    Of ``n`` × 80 ms given, ``n`` frames are answered: ``n`` tokens a channel and ``n`` × 80 ms of
    sound. Each runs 67.5 ms before its 80 ms are over, so at the end of a stream one frame remains,
    or two where the input is no whole number of frames: ``mel.frames_of`` in all.
    """

    def __init__(self, model: VoiceChat, settings: S2SSettings) -> None:
        """Takes no memory: ``open_session`` does."""
        self.model = model if settings.decode_audio else replace(model, speech=None)
        self.settings = settings
        self._context: S2SContextManager | None = None

    @property
    def capabilities(self) -> S2SCapabilities:
        """Of the checkpoint."""
        return S2SCapabilities.of(self.model)

    @property
    def context(self) -> S2SContextManager:
        """The slots. Raises ``SessionError`` if no session is open."""
        if self._context is None:
            raise SessionError(wanted="open", remedy="call open_session() first")
        return self._context

    def open_session(self) -> None:
        """Take the memory of all slots, and capture graphs if asked to.

        Raises ``SessionError`` if one is open.
        """
        if self._context is not None:
            raise SessionError(wanted="closed", remedy="call close_session() first")
        settings = self.settings
        seats = Seats(
            self.model,
            rows=settings.batch_size,
            length=settings.length,
            graphs=settings.graphs,
            spans=settings.spans,
        )
        self._context = S2SContextManager(seats)

    def close_session(self) -> None:
        """Give the memory back; live streams are gone. Nothing happens if none is open."""
        self._context = None

    def new_output(self, stream_id: int) -> S2SStreamingOutput:
        """To put the steps of a live stream into, for whoever wants them as one; ``run`` does."""
        return S2SStreamingOutput(stream_id, self.model)

    def drop(self, stream_id: int) -> None:
        """Of a stream that is gone without a last frame: its slot is free."""
        self.context.release(stream_id)

    def infer_one_step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        """One frame of 80 ms of the rows that are due: see ``Seats.step``."""
        return self.context.seats.step(frames)

    def generate_step(self, frames: Sequence[Frame]) -> list[GenerateStepOutput]:
        """The next sound of live streams, one frame of each; one output for each, in their order.

        A first frame takes a slot; if it is empty, nothing but the prompt is done. A frame is some
        multiple of 80 ms long, but for the last one, which may be of any length, or empty: it is
        answered to its end and frees the slot.

        Raises ``StreamError``, ``NoFreeSlot``, ``OptionError``, ``UnknownVoice`` or
        ``ContextFull``, and then no stream has changed and none begun: leave out whom it names, or
        ``drop`` him.
        """
        slots = self._seated(frames)
        given = {slot.row: slot.taken(frame) for slot, frame in zip(slots, frames, strict=True)}
        told: dict[int, list[FrameOut]] = {row: [] for row in given}
        for place in range(max(map(len, given.values()), default=0)):
            due = {row: packets[place] for row, packets in given.items() if place < len(packets)}
            for row, said in self.infer_one_step(due).items():
                told[row].append(said)
        outputs = [
            slot.transcript.told(frame.stream_id, told[slot.row], last=frame.is_last)
            for slot, frame in zip(slots, frames, strict=True)
        ]
        for frame in frames:
            if frame.is_last:
                self.context.release(frame.stream_id)
        return outputs

    def run(self, streams: Iterable[Stream]) -> Iterator[S2SStreamingOutput]:
        """Whole inputs, as many side by side as there are slots; each as it finishes.

        The next of ``streams`` is taken when a slot is free, and read as it goes. A stream's fault
        is in its output's ``error``, with all that came before it, and touches no other. The
        session is opened and closed if none is open.

        Raises ``NoFreeSlot`` if live streams have all slots.
        """
        opened = self._context is None
        if opened:
            self.open_session()
        context = self.context
        live: list[Reading] = []
        try:
            yield from self._finished(iter(streams), live)
        finally:
            for one in live:
                one.ended()
            if opened and self._context is context:
                self.close_session()

    def _finished(
        self, waiting: Iterator[Stream], live: list[Reading]
    ) -> Iterator[S2SStreamingOutput]:
        """``live`` are those that have a packet to step with."""
        while True:
            while self.context.free and (stream := next(waiting, None)) is not None:
                one = Reading(
                    stream,
                    self.context,
                    begin=self._begun,
                    output=self.new_output(stream.stream_id),
                )
                if one.load():
                    live.append(one)
                else:
                    yield one.ended()
            if not live and not self.context.free:
                raise NoFreeSlot(engine=ENGINE, width=self.settings.batch_size)
            if not live:
                return
            told = self.infer_one_step({one.row: one.packet for one in live})
            for one in [*live]:
                one.take(told[one.row])
                if not one.load():
                    live.remove(one)
                    yield one.ended()

    def _begun(self, frame: Frame) -> Slot:
        """A slot for the stream of a first frame. Raises as ``generate_step`` does."""
        options = (frame.options or S2SRequestOptions()).fill_defaults(self.settings.defaults)
        prepared = self.context.prepared(options.call_options(self.model))
        return self.context.lease(frame.stream_id, prepared)

    def _seated(self, frames: Sequence[Frame]) -> list[Slot]:
        """A slot for each, or what is wrong with one of them, and then nobody has a new one."""
        slots: list[Slot] = []
        self.context.check(frames)
        try:
            for frame in frames:
                slot = self._begun(frame) if frame.is_first else self.context.slot(frame.stream_id)
                slots.append(slot)
                coming = slot.packets.coming(frame.length, last=frame.is_last)
                self.context.demand(slot, coming)
        except BaseException:
            for slot, frame in zip(slots, frames, strict=False):
                if frame.is_first:
                    self.context.release(slot.stream_id)
            raise
        return slots
