"""What a test's telephone speaks: both laws of G.711, and G.722 by FFmpeg, which is not the peer's.

A coder keeps its state: one for each direction of each call.
"""

from __future__ import annotations

from typing import Literal, Protocol

import av
import numpy as np

from media.frame import Pcm
from media.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode


class Coder(Protocol):
    """One direction of one call, a packet at a time. ``rate`` is of the samples."""

    name: str
    payload: int
    rate: int

    def encode(self, pcm: Pcm) -> bytes: ...

    def decode(self, body: bytes) -> Pcm: ...


class Ulaw:
    name, payload, rate = "PCMU", 0, 8_000

    def encode(self, pcm: Pcm) -> bytes:
        return ulaw_encode(pcm)

    def decode(self, body: bytes) -> Pcm:
        return ulaw_decode(body)


class Alaw:
    name, payload, rate = "PCMA", 8, 8_000

    def encode(self, pcm: Pcm) -> bytes:
        return alaw_encode(pcm)

    def decode(self, body: bytes) -> Pcm:
        return alaw_decode(body)


class Wide:
    name, payload, rate = "G722", 9, 16_000

    def __init__(self) -> None:
        self._encoder = _context("w")
        self._decoder = _context("r")

    def encode(self, pcm: Pcm) -> bytes:
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.rate
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))

    def decode(self, body: bytes) -> Pcm:
        frames = self._decoder.decode(av.Packet(body))
        runs = [frame.to_ndarray()[0].astype(np.int16) for frame in frames]
        return np.concatenate(runs) if runs else np.zeros(0, np.int16)


def _context(mode: Literal["r", "w"]) -> av.AudioCodecContext:
    context = av.CodecContext.create("g722", mode)
    context.sample_rate, context.layout = 16_000, "mono"
    if mode == "w":
        context.format = "s16"
    context.open()
    return context


CODERS: dict[str, type[Ulaw] | type[Alaw] | type[Wide]] = {
    "PCMU": Ulaw,
    "PCMA": Alaw,
    "G722": Wide,
}
