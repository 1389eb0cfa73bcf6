"""A browser for tests: aiortc's own media path at the far end, over loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from gateway.legs.webrtcice import gather_from

RATE = 48_000
Pcm = npt.NDArray[np.int16]


class Microphone(MediaStreamTrack):
    """A tone; ``muted``: no packet at all goes out."""

    kind = "audio"

    def __init__(self, hz: float) -> None:
        super().__init__()
        self._hz, self._sent = hz, 0
        self._began: float | None = None
        self.muted = False

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = loop.time() if self._began is None else self._began
        while True:
            start = self._sent * 960
            self._sent += 1
            await asyncio.sleep(max(0.0, self._began + start / RATE - loop.time()))
            if not self.muted:
                break
        at = (np.arange(960) + start) / RATE
        mono = (8000 * np.sin(2 * np.pi * self._hz * at)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(mono, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        return frame


class Browser:
    """One page that calls."""

    def __init__(
        self,
        *,
        hz: float = 440.0,
        direction: str = "sendrecv",
        host: str = "127.0.0.1",
        configuration: RTCConfiguration | None = None,
    ) -> None:
        self.pc = RTCPeerConnection(configuration or RTCConfiguration(iceServers=[]))
        self._host = host
        self.microphone = Microphone(hz)
        self.pc.addTransceiver(self.microphone, direction=direction)
        self.channel = self.pc.createDataChannel("events")
        self.messages: list[str] = []
        self.channel.on("message", self.messages.append)
        self._heard: list[Pcm] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._listen)

    @property
    def heard(self) -> Pcm:
        """All that came, int16 at 48 kHz."""
        return np.concatenate([np.zeros(0, np.int16), *self._heard])

    async def offer(self) -> str:
        """SDP."""
        inside: Any = self.pc.getTransceivers()[0].receiver.transport.transport._connection
        gather_from(inside, host=self._host)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def take(self, answer: str) -> None:
        """The other side's SDP."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        """As when the page is closed."""
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _listen(self, track: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._hear(track)))

    async def _hear(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                self._heard.append(frame.to_ndarray().reshape(-1, 2)[:, 0])


@asynccontextmanager
async def browser(
    *,
    hz: float = 440.0,
    direction: str = "sendrecv",
    host: str = "127.0.0.1",
    configuration: RTCConfiguration | None = None,
) -> AsyncIterator[Browser]:
    """Closed at the end."""
    one = Browser(hz=hz, direction=direction, host=host, configuration=configuration)
    try:
        yield one
    finally:
        await one.close()


def pitch(pcm: Pcm, *, rate: int) -> float:
    """The strongest frequency, in hertz."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), 1 << 20))
    return float(np.argmax(spectrum)) * rate / (1 << 20)
