"""One call's sound in a SIP worker (pjsua2): its port in the conference, its streams, its silence.

The port is called by the media clock, a native thread; all else here lives on the main thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from gateway.legs.sipfaults import Faults, guarded
from gateway.legs.sipoutbox import Outbox
from gateway.legs.sipprotocol import HoldChanged, Silent
from gateway.legs.sipring import Ring
from gateway.legs.sipsettings import TICK_MS, WorkerSettings

if TYPE_CHECKING:
    from gateway.legs.sipcall import Call

FAST = hasattr(pj.ByteVector, "copy_to_bytearray")  # since 2.16; else bytes are copied one by one
FIRST_MEDIA_S = 0.5  # after which a call begins even if nothing has come from its far end
LOOK_S = 1.0  # how often a call's packets are counted


class Port(pj.AudioMediaPort):  # type: ignore[misc]
    """A call's place in the library's conference; the media clock calls it every 20 ms."""

    def __init__(self, ring: Ring | None, *, rate: int, outbox: Outbox, faults: Faults) -> None:
        super().__init__()
        self.faults = faults
        self._ring, self._outbox = ring, outbox
        self.pulses = 0
        self._quiet = bytes(2 * rate * TICK_MS // 1000)
        shape = pj.MediaFormatAudio()
        shape.init(pj.PJMEDIA_FORMAT_PCM, rate, 1, 1000 * TICK_MS, 16)
        self.createPort("parley", shape)

    @guarded
    def onFrameRequested(self, frame: Any) -> None:
        pcm = self._quiet if self._ring is None else self._ring.requested()
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        if FAST:
            frame.buf.assign_from_bytes(pcm)
        else:
            frame.buf = pj.ByteVector(pcm)

    @guarded
    def onFrameReceived(self, frame: Any) -> None:
        self.pulses += 1
        if self._ring is None:
            return
        self._ring.received(_copied(frame))
        self._outbox.wake()


def _copied(frame: Any) -> bytes:
    if not frame.size:
        return b""
    if not FAST:
        return bytes(frame.buf)
    copy = bytearray(frame.size)
    frame.buf.copy_to_bytearray(copy)
    return bytes(copy)


class CallMedia:
    """What is heard and said on ``call``, and whether anything comes at all."""

    def __init__(self, call: Call, *, ring: Ring, settings: WorkerSettings, outbox: Outbox) -> None:
        self.ring = ring
        self._call, self._settings, self._outbox = call, settings, outbox
        self._port: Port | None = None
        self._began_at: float | None = None
        self._packets, self._counted_at = 0, 0.0

    def connect(self, *, index: int, status: int) -> None:
        """Media was set up anew: each re-INVITE gives the call another stream."""
        held = status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
        if not (held or status == pj.PJSUA_CALL_MEDIA_ACTIVE):
            return
        if self._port is None:
            rate, faults = self._settings.rate, self._call.faults
            self._port = Port(self.ring, rate=rate, outbox=self._outbox, faults=faults)
        stream = self._call.getAudioMedia(index)
        stream.startTransmit(self._port)
        self._port.startTransmit(stream)
        if self.ring.held != held:
            self.ring.held = held
            self._outbox.post(HoldChanged(self.ring.call, held))

    def begin(self, now: float) -> None:
        """The call is up: its time begins with the first packet."""
        self._began_at = self._counted_at = now

    def look(self, now: float) -> None:
        """What has to be looked for: packets that begin, or stop, to come."""
        if self._began_at is None:
            return
        if not self.ring.live and self._port is not None:
            self.ring.live = self._received() > 0 or now - self._began_at >= FIRST_MEDIA_S
        elif now - self._counted_at >= LOOK_S or self.ring.held:
            self._count(now)

    def end(self) -> None:
        """No tick counts any more."""
        self.ring.live = False

    def _count(self, now: float) -> None:
        packets = -1 if self.ring.held else self._received()
        if self.ring.held or packets != self._packets:
            self._packets, self._counted_at = packets, now
        elif now - self._counted_at >= self._settings.media_timeout_s:
            self._outbox.post(Silent(self.ring.call, now - self._counted_at))
            self._counted_at = now

    def _received(self) -> int:
        """RTP packets that came in on the present stream."""
        statistics = self._call.getStreamStat(0)  # kept: its parts would be freed with it
        return int(statistics.rtcp.rxStat.pkt)
