"""One call's sound in a SIP worker (pjsua2): its port in the conference, its streams, its silence.

The port is called by the media clock, a native thread; all else here lives on the main thread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from gateway.legs.sipfaults import Faults, guarded
from gateway.legs.sipfigures import joined
from gateway.legs.sipoutbox import Outbox
from gateway.legs.sipprotocol import (
    Confirmed,
    HoldChanged,
    Measured,
    Silent,
    SourceChanged,
    StreamFigures,
)
from gateway.legs.sipring import Ring
from gateway.legs.sipsettings import TICK_MS, WorkerSettings
from gateway.legs.sipsource import Source

if TYPE_CHECKING:
    from gateway.legs.sipcall import Call

FAST = hasattr(pj.ByteVector, "copy_to_bytearray")  # since 2.16; else bytes are copied one by one
FIRST_MEDIA_S = 1.0  # after which a call begins even if nothing has come from its far end
LOOK_S = 1.0  # how often a call's packets are counted
TELL_S = 5.0  # how often its figures are told: all that is known of it if the worker dies
BUFFER_MS = 10  # one frame of the jitter buffer; a packet is two
RTP_RATES = {"G722": 8_000}  # RFC 3551 §4.5.2: not its sampling rate, by an old mistake


class Port(pj.AudioMediaPort):  # type: ignore[misc]
    """A call's place in the library's conference; the media clock calls it every 20 ms.

    Without a ``ring`` it is quiet. It is never freed while the clock runs: the clock may be about
    to call it, and then ends the process (measured: once in some hundred calls).
    """

    def __init__(self, *, rate: int, outbox: Outbox, faults: Faults) -> None:
        super().__init__()
        self.faults = faults
        self.ring: Ring | None = None
        self._outbox = outbox
        self.pulses = 0
        self._quiet = bytes(2 * rate * TICK_MS // 1000)
        shape = pj.MediaFormatAudio()
        shape.init(pj.PJMEDIA_FORMAT_PCM, rate, 1, 1000 * TICK_MS, 16)
        self.createPort("parley", shape)

    @guarded
    def onFrameRequested(self, frame: Any) -> None:
        ring = self.ring
        pcm = self._quiet if ring is None else ring.requested()
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        if FAST:
            frame.buf.assign_from_bytes(pcm)
        else:
            frame.buf = pj.ByteVector(pcm)

    @guarded
    def onFrameReceived(self, frame: Any) -> None:
        self.pulses += 1
        ring = self.ring
        if ring is None:
            return
        ring.received(_copied(frame))
        self._outbox.wake()


def _copied(frame: Any) -> bytes:
    if not frame.size:
        return b""
    if not FAST:
        return bytes(frame.buf)
    copy = bytearray(frame.size)
    frame.buf.copy_to_bytearray(copy)
    return bytes(copy)


class Ports:
    """As many as calls were ever up at once; one call after the other has each."""

    def __init__(self, *, settings: WorkerSettings, outbox: Outbox, faults: Faults) -> None:
        self._rate, self._outbox, self._faults = settings.rate, outbox, faults
        self._idle: list[Port] = []

    def take(self, ring: Ring | None) -> Port:
        """For the call of ``ring``."""
        if self._idle:
            port = self._idle.pop()
        else:
            port = Port(rate=self._rate, outbox=self._outbox, faults=self._faults)
        port.ring = ring
        return port

    def give_back(self, port: Port) -> None:
        """Its call is over, and none of its streams is left in the conference."""
        port.ring = None
        self._idle.append(port)


class CallMedia:
    """What is heard and said on ``call``, how it came there, and whether anything comes at all."""

    def __init__(
        self, call: Call, *, ring: Ring, settings: WorkerSettings, outbox: Outbox, ports: Ports
    ) -> None:
        self.ring = ring
        self.codec = ""
        self._call, self._settings, self._outbox, self._ports = call, settings, outbox, ports
        self._port: Port | None = None
        self._index = 0
        self._streams = False  # whether the library has a stream that can be asked
        self._began_at: float | None = None
        self._packets, self._counted_at, self._looked_at = 0, 0.0, 0.0
        self._told_at = 0.0
        self._past = StreamFigures()  # of streams that are no more
        self._source = Source()
        self._settled = False

    def connect(self, *, index: int, status: int) -> None:
        """Media was set up anew: each re-INVITE gives the call another stream."""
        held = status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
        if not (held or status == pj.PJSUA_CALL_MEDIA_ACTIVE):
            return
        if self._port is None:
            self._port = self._ports.take(self.ring)
        self._index, self._streams = index, True
        stream = self._call.getAudioMedia(index)
        stream.startTransmit(self._port)
        self._port.startTransmit(stream)
        if self.ring.held != held:
            self.ring.held = held
            self._outbox.post(HoldChanged(self.ring.call, held))
        self._name_codec()

    def begin(self, now: float) -> None:
        """The call is up: its time begins with the first packet."""
        self._began_at = self._counted_at = self._looked_at = self._told_at = now

    def look(self, now: float) -> None:
        """What has to be looked for: packets that begin, or stop, to come, or from elsewhere."""
        if self._began_at is None or self._settled:
            return
        if not self.ring.live and self._port is not None:
            self.ring.live = self._received() > 0 or now - self._began_at >= FIRST_MEDIA_S
            if self.ring.live and self._streams:
                self._follow(now)
            return
        due = now - self._looked_at >= LOOK_S
        if due:
            self._looked_at = now
        if due or self.ring.held:
            self._count(now)
        if self._streams and (due or self._source.watched):  # an ACK may have brought no answer
            self._follow(now)
        if now - self._told_at >= TELL_S:
            self._told_at = now
            self._outbox.post(Measured(self.ring.call, self._figures()))

    def leave_stream(self, index: int) -> None:
        """A stream is about to go, and its figures with it."""
        if index != self._index:
            return
        if not self._settled:
            self._past = joined(self._past, self._reading())
        self._streams = False

    def settle(self) -> None:
        """The call is about to end: tell its figures, while the library still knows them."""
        if self._began_at is None or self._settled:
            return
        figures = self._figures()
        self._settled = True
        self._outbox.post(Measured(self.ring.call, figures))

    def end(self) -> None:
        """No tick counts any more."""
        self.ring.live = False
        if self._port is not None:
            self._port.ring = None

    def free(self) -> None:
        """The library has forgotten the call: another may have its port."""
        port, self._port = self._port, None
        if port is not None:
            self._ports.give_back(port)

    def _count(self, now: float) -> None:
        packets = -1 if self.ring.held else self._received()
        if self.ring.held or packets != self._packets:
            self._packets, self._counted_at = packets, now
        elif now - self._counted_at >= self._settings.media_timeout_s:
            self._outbox.post(Silent(self.ring.call, now - self._counted_at))
            self._counted_at = now

    def _received(self) -> int:
        """RTP packets that came in on the present stream."""
        if not self._streams:
            return 0
        statistics = self._call.getStreamStat(self._index)  # kept: its parts go with it
        return int(statistics.rtcp.rxStat.pkt)

    def _follow(self, now: float) -> None:
        transport = self._call.getMedTransportInfo(self._index)
        moved = self._source.seen(str(transport.srcRtpName), now_s=now)
        if moved is not None:
            self._outbox.post(SourceChanged(self.ring.call, moved))

    def _name_codec(self) -> None:
        stream = self._call.getStreamInfo(self._index)
        name = str(stream.codecName).upper()
        codec = f"{name}/{RTP_RATES.get(name, stream.codecClockRate)}"
        changed, self.codec = codec != self.codec, codec
        if changed and self._began_at is not None:
            self._outbox.post(Confirmed(self.ring.call, codec))

    def _figures(self) -> StreamFigures:
        ring = self.ring
        return replace(
            joined(self._past, self._reading()),
            starved=ring.starved,
            splices=ring.splices,
            overruns=ring.overruns,
            unreported=ring.unreported,
        )

    def _reading(self) -> StreamFigures:
        """Of the present stream; nothing where there is none."""
        if not self._streams:  # asking in vain makes the library complain
            return StreamFigures()
        try:
            statistics = self._call.getStreamStat(self._index)  # kept: its parts go with it
        except pj.Error:
            return StreamFigures()
        rtcp, buffer = statistics.rtcp, statistics.jbuf
        heard, said = rtcp.rxStat, rtcp.txStat
        jitter, trip = heard.jitterUsec, rtcp.rttUsec
        some = heard.pkt > 0
        return StreamFigures(
            received=int(heard.pkt),
            lost=int(heard.loss),
            discarded=max(0, int(buffer.discard) * BUFFER_MS // TICK_MS - int(heard.dup)),
            duplicates=int(heard.dup),
            sent=int(said.pkt),
            lost_there=int(said.loss),
            jitter_ms=jitter.mean / 1_000 if jitter.n else None,
            jitter_max_ms=jitter.max / 1_000 if jitter.n else None,
            round_trip_ms=trip.mean / 1_000 if trip.n else None,
            buffer_ms=float(buffer.avgDelayMsec) if some else None,
            buffer_max_ms=float(buffer.maxDelayMsec) if some else None,
        )
