"""The one connection of a call, on ``aiortc``: ICE, DTLS, SRTP, RTP, RTCP and the data channel.

Its codecs and its jitter buffer are not used: packets come and go as they are. For that, and for
the addresses, a few attributes are touched that are not promised to stay; ``check_seams`` says
which, a test runs it, and the dependency is pinned.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from fractions import Fraction
from typing import Any, Protocol, cast

import av
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.errors import CallerGone, IceFailed, LegError, MediaSilent
from gateway.legs.webrtcanswer import answer
from gateway.legs.webrtcgate import Gate, Streams, keep_data, keep_reports
from gateway.legs.webrtcice import close_late, gather_from
from gateway.legs.webrtcsdp import Checked
from gateway.legs.webrtcsettings import WebRtcSettings

logger = logging.getLogger(__name__)
ARRIVED = "_RTCRtpReceiver__jitter_buffer"
CHANNEL = "events"
STUCK = 50  # packets that nobody sends
CLOSE_S = 2.0  # for the library to close in order; then it is made to


class Ears(Protocol):
    """Who is told what comes. All on the loop; nothing may raise."""

    def packet(self, sequence: int, timestamp: int, payload: bytes, *, source: int) -> None:
        """Sound: one RTP packet, its header's numbers as on the wire."""

    def event(self, payload: bytes, *, timestamp: int) -> None:
        """A packet of telephone-event (RFC 4733)."""

    def text(self, text: str) -> None:
        """A message of the data channel."""

    def gone(self, error: LegError | None) -> None:
        """The far end left; with an error if it was not its wish."""


class _Voice(MediaStreamTrack):
    """What is sent: packets that are encoded already."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.queue: asyncio.Queue[av.Packet[Any]] = asyncio.Queue()

    async def recv(self) -> av.Packet[Any]:
        if self.readyState != "live":
            raise MediaStreamError
        return await self.queue.get()


class _Intake:
    """Stands where the library keeps its jitter buffer."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears

    def add(self, packet: Any) -> tuple[bool, None]:
        """Neither a request for a new picture nor a frame to be decoded comes of it."""
        self._ears.packet(
            packet.sequence_number, packet.timestamp, packet.payload, source=packet.ssrc
        )
        return False, None


class Peer:
    """A connection for the offer given. Make it on the loop that it is to live on."""

    def __init__(self, offer: Checked, settings: WebRtcSettings, ears: Ears) -> None:
        self._offer, self._settings, self._ears = offer, settings, ears
        servers = [
            RTCIceServer(one.url, one.username or None, one.password or None)
            for one in settings.ice_servers
        ]
        # Without a list of servers the library would ask one of a third party.
        self._pc = RTCPeerConnection(
            RTCConfiguration(iceServers=servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._voice = _Voice() if offer.speaks else None
        self._receiver: RTCRtpReceiver | None = None
        self._channel: RTCDataChannel | None = None
        self._connected = asyncio.get_running_loop().create_future()
        self._streams: Streams | None = None
        self._closed = False

    async def answer(self) -> str:
        """Take the offer; from now on the far end may connect. Raises ``LegError``."""
        pc = self._pc
        if self._voice is not None:
            pc.addTrack(self._voice)
        else:
            pc.addTransceiver("audio", direction="recvonly")
        pc.on("datachannel", self._on_channel)
        try:
            await pc.setRemoteDescription(RTCSessionDescription(self._offer.sdp, "offer"))
            self._attach(pc.getTransceivers()[0].receiver)
            await pc.setLocalDescription(await pc.createAnswer())
        except Exception as error:
            text = str(error) or type(error).__name__
            raise LegError(leg="webrtc", why=f"the offer was not taken: {text}") from error
        return answer(
            pc.localDescription.sdp,
            offer=self._offer,
            bitrate=self._settings.bitrate,
            public_ip=self._settings.public_ip,
        )

    async def connected(self) -> None:
        """Wait until sound can flow. Raises ``IceFailed``, ``CallerGone``."""
        limit_s = self._settings.connect_s
        try:
            async with asyncio.timeout(limit_s):
                await self._connected
        except TimeoutError:
            raise IceFailed(leg="webrtc", why=f"no connection within {limit_s:g} s") from None

    @property
    def stuck(self) -> bool:
        """Whether what is sent does not go out any more."""
        return self._voice is not None and self._voice.queue.qsize() >= STUCK

    def send(self, payload: bytes, *, timestamp: int, rate: int) -> None:
        """One packet of sound, goes out at once; ``timestamp`` at the codec's ``rate``."""
        if self._voice is not None:
            packet = av.Packet(payload)
            packet.pts, packet.time_base = timestamp, Fraction(1, rate)
            self._voice.queue.put_nowait(packet)

    @property
    def untold(self) -> int:
        """Bytes of messages that have not gone out yet."""
        channel = self._channel
        return channel.bufferedAmount if channel and channel.readyState == "open" else 0

    def tell(self, text: str, *, backlog: int) -> bool:
        """A message on the data channel.

        False, and it is not sent, if there is none yet or ``backlog`` bytes wait in it already.
        """
        channel = self._channel
        if channel is None or channel.readyState != "open" or channel.bufferedAmount >= backlog:
            return False
        channel.send(text)
        return True

    async def received(self) -> int:
        """Packets that have come so far, of whatever kind."""
        if self._receiver is None:
            return 0
        report = await self._receiver.getStats()
        return sum(one.packetsReceived for one in report.values() if one.type == "transport")

    async def close(self) -> None:
        """Say so to the far end, and free everything. May be called twice."""
        self._closed = True
        if not self._connected.done():
            self._fail(CallerGone(leg="webrtc", why="the caller gave up"))
        ice = None if self._receiver is None else self._receiver.transport.transport
        checking = ice is not None and ice.state == "checking"
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._pc.close()
        except TimeoutError:
            logger.warning("a browser's connection does not close in order")
            if self._receiver is not None and ice is not None:
                await self._receiver.transport.stop()
                await ice.stop()
        if ice is not None and checking:
            await close_late(ice)

    # ------------------------------------------------------------------------------------------

    def _attach(self, receiver: RTCRtpReceiver) -> None:
        check_seams(receiver)
        self._receiver = receiver
        transport, inside = receiver.transport, cast(Any, receiver)
        setattr(inside, ARRIVED, _Intake(self._ears))
        inside._handle_rtp_packet = functools.partial(self._sort, inside._handle_rtp_packet)
        connection = transport.transport._connection
        gather_from(connection, host=self._settings.host)
        Gate(connection, asyncio.get_running_loop().time).keep()
        self._streams = Streams(receiver)
        keep_reports(receiver, None if self._voice is None else self._pc.getSenders()[0])
        if self._pc.sctp is not None:
            keep_data(self._pc.sctp)
        transport.transport.on("statechange", self._look)
        transport.on("statechange", self._look)
        if self._offer.digits is not None:
            types = transport._rtp_router.payload_type_table
            types.setdefault(self._offer.digits, set()).add(receiver)

    async def _sort(self, take: Any, packet: Any, arrival_time_ms: int) -> None:
        if self._streams is None or not self._streams.admit(packet.ssrc):
            return
        if packet.payload_type == self._offer.digits:
            self._ears.event(packet.payload, timestamp=packet.timestamp)
        else:
            await take(packet, arrival_time_ms=arrival_time_ms)

    def _look(self) -> None:
        """ICE or DTLS changed its state."""
        if self._receiver is None or self._closed:
            return
        dtls = self._receiver.transport
        ice, waiting = dtls.transport.state, not self._connected.done()
        if "failed" in (ice, dtls.state):
            if waiting:
                why = "no way to the far end" if ice == "failed" else "the keys were not agreed on"
                self._fail(IceFailed(leg="webrtc", why=why))
            else:
                self._ears.gone(MediaSilent(leg="webrtc", why="the far end does not answer"))
        elif dtls.state == "connected" and waiting:
            self._connected.set_result(None)
        elif dtls.state == "closed":
            if waiting:
                self._fail(CallerGone(leg="webrtc", why="the caller gave up"))
            else:
                self._ears.gone(None)

    def _fail(self, error: LegError) -> None:
        self._connected.set_exception(error)
        self._connected.exception()  # whoever waits for it may have gone

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label != CHANNEL or self._channel is not None:
            return
        self._channel = channel
        channel.on("message", self._on_message)

    def _on_message(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._ears.text(message)


def check_seams(receiver: RTCRtpReceiver) -> None:
    """Raises ``LegError`` if the library is not as we know it inside."""
    connection = receiver.transport.transport._connection
    seams = (
        (receiver, ARRIVED),
        (receiver, "_handle_rtp_packet"),
        (receiver, "_run_rtcp"),
        (receiver, "_RTCRtpReceiver__rtcp_exited"),
        (connection, "get_component_candidates"),
        (connection, "data_received"),
        (connection, "_protocols"),
        (connection, "_check_list"),
        (receiver.transport, "_rtp_router"),
        (receiver.transport._rtp_router, "ssrc_table"),
    )
    for owner, name in seams:
        if not hasattr(owner, name):
            why = f"aiortc has changed inside: {type(owner).__name__} has no {name}"
            raise LegError(leg="webrtc", why=why)
