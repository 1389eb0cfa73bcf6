"""One call of a browser as a leg. No WebRTC library here: that is ``webrtcpeer``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from bot.facts import Digit
from gateway.errors import CallerGone, LegBroken, LegError, MediaSilent
from gateway.legs.base import LegEvent
from gateway.legs.pace import next_slot, ticks
from gateway.legs.stream import LegStream
from gateway.legs.webrtcdigits import Presses, key_of
from gateway.legs.webrtcsdp import Checked
from gateway.legs.webrtcsettings import WebRtcSettings
from gateway.legs.webrtcsound import Ear, Mouth, rate_of
from gateway.legs.webrtctelling import Channel, Telling
from gateway.outcome import Outcome
from media.clock import Clock
from media.frame import MEDIA_RATE, PACKET, AudioFrame, silence
from media.playout import FrameSource, Played

logger = logging.getLogger(__name__)
TICKS_A_LOOK = 50  # once a second


class Connection(Channel, Protocol):
    """What the leg needs of ``webrtcpeer.Peer``."""

    @property
    def stuck(self) -> bool: ...

    async def answer(self) -> str: ...

    async def connected(self) -> None: ...

    def send(self, payload: bytes, *, timestamp: int, rate: int) -> None: ...

    async def received(self) -> int: ...

    async def close(self) -> None: ...


class WebRtcLeg:
    """A call of a browser. ``connect`` makes its connection, once the call is to be answered."""

    def __init__(
        self,
        offer: Checked,
        *,
        facts: Mapping[str, str],
        settings: WebRtcSettings,
        clock: Clock,
        connect: Callable[[WebRtcLeg], Connection],
    ) -> None:
        self._offer, self._facts, self._settings = offer, dict(facts), settings
        self._clock, self._connect = clock, connect
        self._ear: Ear | None = None
        self._telling: Telling | None = None
        self._presses = Presses()
        self._peer: Connection | None = None
        self._stream = LegStream(leg="webrtc")
        self._reply: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pump: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._began = 0.0  # when the media began, as the clock counts
        self._heard = self._until = 0

    @property
    def rate(self) -> int:
        """24 kHz for Opus, 8 kHz for G.711."""
        return rate_of(self._offer)

    @property
    def facts(self) -> Mapping[str, str]:
        return self._facts

    @property
    def figures(self) -> Mapping[str, Any]:
        """``webrtc``: how the way of the caller's packets was."""
        if self._ear is None:
            return {}
        untold = self._telling.dropped if self._telling is not None else 0
        return {"webrtc": {**self._ear.figures, "events_dropped": untold}}

    def tell(self, telling: Telling) -> None:
        """From now on the page is told what the call notes, if it listens."""
        if self._offer.data:
            self._telling = telling

    @property
    def over(self) -> bool:
        """Whether the call has ended, or is ending."""
        return self._stream.over

    async def reply(self) -> str:
        """The answer (SDP) once there is one. Raises what ended the call before."""
        return await asyncio.shield(self._reply)

    async def answer(self, source: FrameSource) -> None:
        """Answer the offer. Returns once the browser is connected.

        Raises ``IceFailed`` if that did not come about, ``CallerGone``, other ``LegError``.
        """
        self._stream.raise_if_over()
        self._peer = peer = self._connect(self)
        sdp = await peer.answer()
        self._stream.raise_if_over()
        self._reply.set_result(sdp)
        await peer.connected()
        self._stream.raise_if_over()
        self._began, self._ear = self._clock.now(), Ear(self._offer)
        if self._telling is not None:
            self._telling.start(peer)
        self._pump = asyncio.get_running_loop().create_task(self._run(peer, source, self._ear))

    async def events(self) -> AsyncIterator[LegEvent]:
        """Packets out and in, and keys, as they were."""
        async for event in self._stream.read():
            yield event

    async def hangup(self, outcome: Outcome) -> None:
        """Close the connection; before the answer, say why there will be none."""
        if not self._reply.done():
            error = self._stream.error or LegError(leg="webrtc", why=str(outcome))
            self.refuse(error)
        self._stream.end()
        try:
            if self._telling is not None:
                await self._telling.finish(outcome, at=self._now)
        finally:
            self._close_soon()
        assert self._closing is not None
        await asyncio.shield(self._closing)

    def refuse(self, error: Exception) -> None:
        """There will be no answer."""
        if not self._reply.done():
            self._reply.set_exception(error)
            self._reply.exception()  # whoever waited may have gone
        self._stream.end()

    # ---- what the connection tells; all on the loop -----------------------------------------

    def packet(self, sequence: int, timestamp: int, payload: bytes, *, source: int) -> None:
        """Sound came."""
        if self._ear is not None and not self._stream.over:
            at = int((self._clock.now() - self._began) * MEDIA_RATE)
            self._ear.put(sequence, timestamp, payload, source=source, at=at)

    def event(self, payload: bytes, *, timestamp: int) -> None:
        """A telephone-event came."""
        key = self._presses.take(payload, timestamp=timestamp)
        if key is not None:
            self._stream.put(Digit(self._now, key))

    def text(self, text: str) -> None:
        """A message of the page came."""
        key = key_of(text)
        if key is not None:
            self._stream.put(Digit(self._now, key))

    def gone(self, error: LegError | None) -> None:
        """The far end has left."""
        self._stream.end(error)

    def leave(self) -> None:
        """The caller says that it is over."""
        error = CallerGone(leg="webrtc", why="the caller gave up")
        if not self._reply.done():
            self.refuse(error)
        elif self._pump is None:  # not connected yet
            if self._peer is not None:
                self._close_soon()
            self._stream.end(error)
        self._stream.end()

    # -----------------------------------------------------------------------------------------

    async def _run(self, peer: Connection, source: FrameSource, ear: Ear) -> None:
        """20 ms at a time, for as long as the call lasts."""
        mouth = Mouth(self._offer, bitrate=self._settings.bitrate)
        came, since = -1, self._clock.now()
        try:
            async for tick in ticks(self._clock, began=next_slot(self._clock.now())):
                if tick % TICKS_A_LOOK == 0:
                    now, received = self._clock.now(), await peer.received()
                    if received != came:
                        came, since = received, now
                    elif now - since >= self._settings.silent_s:
                        why = f"no packet for {now - since:.0f} s"
                        raise MediaSilent(leg="webrtc", why=why)
                if peer.stuck:
                    raise LegError(leg="webrtc", why="the connection takes no more packets")
                if tick:
                    pcm = ear.listen(at=tick * PACKET)
                    self._stream.put(AudioFrame(pcm, self.rate, self._heard))
                    self._heard += len(pcm)
                    await asyncio.sleep(0)  # what is made of it at once goes out at once
                self._speak(peer, mouth, played=source.pull(), tick=tick)
        except LegError as error:
            self._stream.end(error)
        except Exception as error:
            logger.exception("a browser's call: unexpected")
            self._stream.end(LegBroken(leg="webrtc", why=f"{type(error).__name__}: {error}"))
        finally:
            ear.close()
            mouth.close()

    def _speak(self, peer: Connection, mouth: Mouth, *, played: Played, tick: int) -> None:
        frame = played.frame
        if not self._offer.speaks:  # nobody hears it
            nothing = AudioFrame(silence(len(frame.pcm)), frame.rate, frame.start)
            self._stream.put(Played(nothing, played.epoch, self._until, len(frame.pcm)))
            return
        self._until = played.until
        timestamp = tick * mouth.clock_rate * PACKET // MEDIA_RATE
        peer.send(mouth.encode(frame.pcm), timestamp=timestamp, rate=mouth.clock_rate)
        self._stream.put(played)

    @property
    def _now(self) -> int:
        return self._heard * MEDIA_RATE // self.rate

    def _close_soon(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        if self._peer is not None:
            await self._peer.close()
