"""One call of a SIP worker as a leg. No SIP library here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import numpy as np

from bot.facts import Digit, Held
from gateway.errors import (
    CallerGone,
    LegError,
    MediaSilent,
    NoAnswer,
    SignallingLost,
    WorkerLost,
)
from gateway.legs.base import LegEvent, Moved
from gateway.legs.sipdial import Dialling, rejection
from gateway.legs.sipfigures import told
from gateway.legs.sipprotocol import (
    NOTHING,
    Accept,
    Bye,
    Command,
    Confirmed,
    Dial,
    Ended,
    Event,
    HoldChanged,
    Measured,
    Packet,
    Pressed,
    Progress,
    Report,
    Silent,
    SourceChanged,
    StreamFigures,
)
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.stream import LegStream
from gateway.outcome import Fault, Outcome
from media.frame import MEDIA_RATE, AudioFrame, silence
from media.playout import FrameSource, Played

logger = logging.getLogger(__name__)
LAST_WORD_S = 1.0  # for a worker that was told to end a call to say how its way was
ANSWER_S = 8.0  # the worker gives up on a missing ACK after five
CAUSES = {
    "no-free-seat": (503, "No Free Seat"),
    "stopped": (503, "Stopped"),
    "sip-worker-lost": (500, "Internal Error"),
    "media-silent": (408, "No Media"),
}


def cause_of(outcome: Outcome) -> tuple[int, str]:
    """SIP status and phrase: refuses a call not answered yet; else told in BYE (RFC 3326)."""
    if outcome.fault is Fault.NONE:
        return 200, outcome.reason
    return CAUSES.get(outcome.reason, (500, "Internal Error"))


class SipLeg:
    """One call of a worker. Sound is pulled on the worker's tick, and reported when it was sent.

    What was pulled is sent: nothing is taken back out of the worker's ring,
    so the bot falls silent that much later than it was cut, and nothing counts as heard in vain.
    With ``dialling`` it is we who call: ``answer`` then means that the far end answers.
    """

    def __init__(
        self,
        number: int,
        *,
        facts: Mapping[str, str],
        send: Callable[[Command], None],
        settings: WorkerSettings,
        dialling: Dialling | None = None,
    ) -> None:
        self._dialling = dialling
        self._number, self._facts, self._send = number, dict(facts), send
        self._settings = settings
        self._source: FrameSource | None = None
        self._stream = LegStream(leg="sip")
        self._answered: asyncio.Future[None] | None = None
        self._confirmed = False
        self._pulled: dict[int, Played] = {}  # by number: not reported yet
        self._numbers = self._sent = self._heard = self._until = self._epoch = 0
        self._held = False
        self._figures: StreamFigures | None = None
        self._parting: dict[str, Any] = {}  # how SIP ended the call
        self._told = asyncio.Event()  # all that will be known of it

    @property
    def rate(self) -> int:
        return self._settings.rate

    @property
    def facts(self) -> Mapping[str, str]:
        return self._facts

    @property
    def figures(self) -> Mapping[str, Any]:
        """``sip``, how the call was ended, and ``rtp``, how its way was; what is known of it."""
        known: dict[str, Any] = {"sip": dict(self._parting)} if self._parting else {}
        if self._figures is not None:
            known["rtp"] = told(self._figures, codec=self._facts.get("codec", ""))
        return known

    async def answer(self, source: FrameSource) -> None:
        """Accept, or call. Returns once the call is up both ways.

        Raises ``CallerGone`` if the caller gave up, ``Rejected`` or ``NoAnswer`` if whom we call
        did not take the call, and other ``LegError``.
        """
        self._stream.raise_if_over()
        self._source = source
        self._answered = asyncio.get_running_loop().create_future()
        dialling = self._dialling
        if dialling is None:
            self._send(Accept(self._number))
        else:
            self._send(Dial(self._number, dialling.to, dict(dialling.headers)))
        try:
            async with asyncio.timeout(ANSWER_S if dialling is None else dialling.ring_s):
                await self._answered
        except TimeoutError:
            if dialling is None:
                raise SignallingLost(leg="sip", why="no ACK for our answer") from None
            why = f"nobody answered within {dialling.ring_s:g} s"
            raise NoAnswer(leg="sip", why=why) from None
        if not self._confirmed:
            self._stream.raise_if_over()

    async def events(self) -> AsyncIterator[LegEvent]:
        """Packets out and in, keys and holds, as they were."""
        async for event in self._stream.read():
            yield event

    async def hangup(self, outcome: Outcome) -> None:
        """Say so to the far end, unless it has left."""
        if not self._stream.over:
            code, phrase = cause_of(outcome)
            if not self._confirmed and self._dialling is not None:
                code, phrase = 487, "Cancelled"
            elif not self._confirmed and code < 300:
                code, phrase = 480, "Temporarily Unavailable"
            self.refuse(Bye(self._number, code, phrase))
            if self._confirmed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORD_S):
                        await self._told.wait()

    def refuse(self, bye: Bye) -> None:
        """End it with these very words."""
        if not self._stream.over:
            self._send(bye)
            self._parting = {"code": bye.code, "reason": bye.reason, "by": "gateway"}
            self._finish(None)

    # ---- what the switchboard hands on; all on the loop ------------------------------------

    def take(self, event: Event) -> None:
        """Something happened on this call."""
        if isinstance(event, Measured):
            self._figures = event.figures
        if self._stream.over:
            if isinstance(event, Measured | Ended):
                self._told.set()
            return
        match event:
            case Progress():
                if self._dialling is not None:
                    self._dialling.told(event)
            case Confirmed(codec=codec):
                self._confirmed = True
                if codec:
                    self._facts["codec"] = codec
                self._wake()
            case Pressed(key=key):
                self._stream.put(Digit(self._now(), key))
            case HoldChanged(on=on):
                self._held = on
                self._stream.put(Held(self._now(), on))
            case SourceChanged(source=source):
                logger.info("SIP call %d: the sound comes from %s now", self._number, source)
                self._stream.put(Moved(self._now(), source))
            case Silent(seconds=seconds):
                why = f"no packet for {seconds:.0f} s"
                self.lose(MediaSilent(leg="sip", why=why))
            case Ended():
                whose = "gateway" if event.unacknowledged else "far-end"
                self._parting = {"code": event.code, "reason": event.reason, "by": whose}
                self._finish(self._ending(event))

    def tick(self, report: Report) -> list[Packet]:
        """20 ms went by; returns what is to be sent next."""
        if self._stream.over or self._source is None:
            return []
        self._stream.put(self._played(report.sent))
        pcm = np.frombuffer(report.pcm, "<i2").astype(np.int16, copy=False)
        self._stream.put(AudioFrame(pcm, self.rate, self._heard))
        self._heard += len(pcm)
        packets = []
        while len(self._pulled) < self._settings.ring:
            played = self._source.pull()
            self._pulled[self._numbers] = played
            sound = played.frame.pcm.astype("<i2", copy=False).tobytes()
            packets.append(Packet(self._number, self._numbers, sound))
            self._numbers += 1
        return packets

    def lose(self, error: LegError) -> None:
        """The call cannot go on; ``events`` raises this. The far end is told by ``hangup``."""
        if isinstance(error, WorkerLost):
            self._told.set()
            self._finish(error)  # nobody is left to be told
        else:
            self._stream.fail(error)
            self._wake()

    # -----------------------------------------------------------------------------------------

    def _played(self, number: int) -> Played:
        start, self._sent = self._sent, self._sent + self._settings.samples
        pulled = None if number == NOTHING else self._pulled.pop(number, None)
        if pulled is None or self._held:
            nothing = AudioFrame(silence(self._settings.samples), self.rate, start)
            return Played(nothing, self._epoch, self._until, self._settings.samples)
        self._until, self._epoch = max(self._until, pulled.until), pulled.epoch
        frame = AudioFrame(pulled.frame.pcm, self.rate, start)
        return Played(frame, pulled.epoch, self._until, pulled.filled)

    def _ending(self, event: Ended) -> LegError | None:
        if self._confirmed:
            return None
        if self._dialling is not None:
            return rejection(event)
        if event.unacknowledged:
            return SignallingLost(leg="sip", why="no ACK for our answer")
        why = f"{event.code} {event.reason}".strip()
        return CallerGone(leg="sip", why=f"the caller gave up ({why})")

    def _finish(self, error: LegError | None) -> None:
        if self._stream.end(error):
            self._pulled.clear()
            self._wake()

    def _now(self) -> int:
        return self._heard * MEDIA_RATE // self.rate

    def _wake(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
