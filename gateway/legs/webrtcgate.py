"""What of a far end's datagrams reaches the WebRTC library, which believes all that come.

Anybody may send to a port of ours. The library hands on what comes from anywhere, and one empty
datagram ends a call; a caller whose keys are right can have it keep, sort or send again without
bound. So here, in front of it: who may send, how much, and what it need not know.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCRtpReceiver, RTCRtpSender, RTCSctpTransport

from gateway.bucket import TokenBucket

logger = logging.getLogger(__name__)
LONGEST = 2_048  # bytes of a datagram; a way's MTU is 1,500 nearly everywhere
PER_SECOND, BURST = 500, 1_000  # datagrams; sound is 17 to 100 a second
STUN_LAST = 3  # first bytes up to here are STUN's (RFC 7983 §7)
SOURCES = 16  # streams of one caller; the library reports on each for ever, and fails beyond 31
CHANNELS = 16  # data channels, of which one is of use
WINDOW = 1 << 17  # bytes of unfinished messages; the answer allows 64 kB for one
HOLES = 256  # fragments that may wait for others; each that comes has all of them sorted


class Gate:
    """Of one ICE connection (``aioice.Connection``). ``now`` counts seconds."""

    def __init__(self, connection: Any, now: Callable[[], float]) -> None:
        self._connection, self._now = connection, now
        self._bucket = TokenBucket(per_second=PER_SECOND, burst=BURST, now_s=now())
        self._known: set[tuple[str, int]] = set()
        self._hand_on = connection.data_received
        self._gather = connection.get_component_candidates
        self.dropped = 0  # datagrams

    def keep(self) -> None:
        """From the moment on that there are ports."""
        self._connection.get_component_candidates = self._gathered
        # What looks like STUN and is not would wait, without bound, for the connection to be up.
        self._connection.data_received = lambda data, component: None

    async def _gathered(self, **how: Any) -> Any:
        found = await self._gather(**how)
        for protocol in self._connection._protocols:
            protocol.datagram_received = functools.partial(
                self._datagram, protocol, protocol.datagram_received
            )
        return found

    def _datagram(self, protocol: Any, take: Callable[..., None], data: bytes, addr: Any) -> None:
        if data and data[0] <= STUN_LAST:
            take(data, addr)
        elif self._passes(data, addr):
            self._hand_on(data, protocol.local_candidate.component)
        else:
            self.dropped += 1

    def _passes(self, data: bytes, addr: Any) -> bool:
        if not 0 < len(data) <= LONGEST or not self._knows((addr[0], addr[1])):
            return False
        return not self._bucket.take(self._now())

    def _knows(self, address: tuple[str, int]) -> bool:
        """Whether the caller named that address, or asked from there with the call's password.

        Else the first datagram of the handshake could be a stranger's (RFC 5763 §6.7.1).
        """
        if address not in self._known:
            if all(pair.remote_addr != address for pair in self._connection._check_list):
                return False
            self._known.add(address)
        return True


class Streams:
    """The RTP streams of one caller, as many as may be."""

    def __init__(self, receiver: RTCRtpReceiver) -> None:
        self._router = receiver.transport._rtp_router
        self._sources: set[int] = set()

    def admit(self, source: int) -> bool:
        """Whether packets of this SSRC are taken."""
        if source in self._sources:
            return True
        if len(self._sources) >= SOURCES:
            self._router.ssrc_table.pop(source, None)  # the library has noted it already
            return False
        self._sources.add(source)
        return True


def keep_reports(receiver: RTCRtpReceiver, sender: RTCRtpSender | None) -> None:
    """RTCP, both ways, without what one packet of it could do.

    Of reports on what is sent nothing is used. A request to send again (NACK), which we never
    offer, can name thousands of packets. And if a report of ours cannot be written, because a
    caller's numbers are absurd, the library would wait for its writer's end for ever.
    """
    inside: Any = receiver
    inside._run_rtcp = functools.partial(
        _report, inside._run_rtcp, exited=inside._RTCRtpReceiver__rtcp_exited
    )
    if sender is not None:
        told: Any = sender
        told._handle_rtcp_packet = _ignore


async def _report(run: Callable[[], Awaitable[None]], *, exited: asyncio.Event) -> None:
    try:
        await run()
    except Exception as error:
        logger.info("a caller gets no more reports: %s: %s", type(error).__name__, error)
    finally:
        exited.set()


async def _ignore(packet: Any) -> None:
    """Nothing is made of it."""


def keep_data(association: RTCSctpTransport) -> None:
    """The data channel's association, which falls silent once a caller abuses it."""
    inside: Any = association
    inside._advertised_rwnd = WINDOW
    inside._handle_data = functools.partial(_data, inside, inside._handle_data)


async def _data(association: Any, take: Callable[[bytes], Awaitable[None]], data: bytes) -> None:
    try:
        await take(data)
        why = _abused(association)
    except ConnectionError:
        raise
    except Exception as error:  # the call itself would end of it
        why = f"{type(error).__name__}: {error}"
    if why:
        logger.info("a caller's data channel is heard no more: %s", why)
        association._handle_data = _ignore
        association._inbound_streams.clear()
        association._sack_misordered.clear()


def _abused(association: Any) -> str:
    if association._advertised_rwnd < 0:
        return "more came than was asked for"
    if len(association._data_channels) > CHANNELS or len(association._inbound_streams) > CHANNELS:
        return "too many channels"
    return "too many holes" if len(association._sack_misordered) > HOLES else ""
