"""Opus through the libopus that PyAV ships: at any rate it knows, with redundancy and concealment.

FFmpeg's own wrapping, which PyAV offers, decodes at 48 kHz only and can neither recover a packet
nor conceal one. Numbers of requests are from ``opus_defines.h``, calls from ``opus.h`` (1.3 or
later; RFC 6716 is the codec).
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from media.errors import CodecFault, CodecMissing, FormatMismatch
from media.frame import MEDIA_RATE, Pcm

RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
"""Hertz that libopus takes and gives."""

CLOCK_RATE = 48_000
"""RTP timestamps of Opus count these whatever the rate (RFC 7587, section 4.1)."""

SILENCE = b"\xf8\xff\xfe"
"""20 ms of silence, mono: a CELT full-band frame (TOC 0xF8) whose silence flag is set.

RFC 6716, sections 3.1 and 4.3; what libopus makes of zeros in that mode. Measured: it decodes to
zeros exactly on a fresh decoder.
"""

_LONGEST_MS = 120  # RFC 6716, section 3.1, R5
_PACKET_MOST = 1_275  # bytes of one frame: RFC 6716, section 3.4
_GRID = 400  # parts of a second: 2.5 ms, of which what is made up must be a multiple

_OK, _VOIP, _VOICE, _ON = 0, 2048, 3001, 1
_SET_BITRATE, _SET_VBR, _SET_COMPLEXITY = 4002, 4006, 4010
_SET_INBAND_FEC, _SET_LOSS, _SET_SIGNAL = 4012, 4014, 4024


@dataclass(frozen=True, slots=True)
class OpusSettings:
    """How to encode. ``bitrate`` in bit/s; ``complexity`` 0 to 10, of which 5 costs a voice little.

    ``loss_percent`` is the loss to expect: the more, the more packets of speech carry their
    predecessor again. Measured with libopus 1.6.1: at 24 kbit/s none below 10, at 32 from 1 on.
    """

    bitrate: int = 24_000
    complexity: int = 5
    loss_percent: int = 0

    def __post_init__(self) -> None:
        if not 500 <= self.bitrate <= 512_000:
            raise _bad(f"bitrate {self.bitrate}", remedy="500 to 512000 bit/s")
        if not 0 <= self.complexity <= 10:
            raise _bad(f"complexity {self.complexity}", remedy="0 to 10")
        if not 0 <= self.loss_percent <= 100:
            raise _bad(f"expected loss {self.loss_percent} %", remedy="0 to 100")


class OpusEncoder:
    """Mono int16 at ``rate`` hertz (one of ``RATES``) into packets. One owner; ``close`` it.

    Raises ``CodecMissing`` if there is no libopus.
    """

    def __init__(self, rate: int, settings: OpusSettings | None = None) -> None:
        chosen = settings or OpusSettings()
        self._state: int | None = None
        self.rate = _rate(rate)
        self._library = library()
        fault = c_int()
        self._state = self._library.opus_encoder_create(rate, 1, _VOIP, byref(fault))
        _check(self._library, fault.value, doing="making an encoder")
        self._room = ctypes.create_string_buffer(_PACKET_MOST)
        self._set(_SET_BITRATE, chosen.bitrate)
        self._set(_SET_VBR, _ON)
        self._set(_SET_COMPLEXITY, chosen.complexity)
        self._set(_SET_SIGNAL, _VOICE)
        self.expect_loss(chosen.loss_percent)

    def expect_loss(self, percent: int) -> None:
        """What the far end reports, 0 to 100; from the next packet on."""
        self._set(_SET_INBAND_FEC, _ON if percent else 0)
        self._set(_SET_LOSS, percent)

    def encode(self, pcm: Pcm) -> bytes:
        """One packet of int16 ``[n]``: 2.5, 5, 10, 20, 40 or 60 ms of it. Raises ``MediaError``."""
        if self.rate * 60 < len(pcm) * 1_000 or pcm.dtype != np.int16:
            what = f"{len(pcm)} samples of {pcm.dtype} at {self.rate} Hz"
            raise _bad(what, remedy="int16, 60 ms at the most")
        state = _open(self._state, doing="encoding")
        size = self._library.opus_encode(
            state, pcm.tobytes(), len(pcm), self._room, len(self._room)
        )
        _check(self._library, size, doing=f"encoding {len(pcm)} samples at {self.rate} Hz")
        return self._room.raw[:size]

    def close(self) -> None:
        """Free it; may be called twice."""
        state, self._state = self._state, None
        if state is not None:
            self._library.opus_encoder_destroy(state)

    def __del__(self) -> None:  # the last resort: memory that no collector sees
        self.close()

    def _set(self, request: int, value: int) -> None:
        state = _open(self._state, doing="setting up an encoder")
        code = self._library.opus_encoder_ctl(c_void_p(state), c_int(request), c_int32(value))
        _check(self._library, code, doing=f"setting {request} to {value}")


class OpusDecoder:
    """Packets, mono or stereo, into mono int16 at ``rate`` hertz (one of ``RATES``).

    A ``media.reception.PacketDecoder``. One owner; ``close`` it. Every packet of the stream
    passes once and in order through ``decode``, and each one missing through ``recover`` or
    ``conceal``.
    Raises ``CodecMissing`` if there is no libopus.
    """

    clock_rate = CLOCK_RATE

    def __init__(self, rate: int) -> None:
        self._state: int | None = None
        self.rate = _rate(rate)
        self._library = library()
        fault = c_int()
        self._state = self._library.opus_decoder_create(rate, 1, byref(fault))
        _check(self._library, fault.value, doing="making a decoder")
        self._room = np.empty(rate * _LONGEST_MS // 1_000, np.int16)
        self._address = self._room.ctypes.data

    def duration(self, packet: bytes) -> int:
        """``packet_samples`` of it."""
        return packet_samples(packet)

    def redundant(self, packet: bytes) -> bool:
        """``is_redundant``."""
        return is_redundant(packet)

    def decode(self, packet: bytes) -> Pcm:
        """Int16 ``[n]``, as long as the packet says. Raises ``CodecFault`` for no Opus packet."""
        if not packet:  # to libopus that would be a loss
            raise CodecFault(codec="Opus", doing="decoding", code=-4, why="an empty packet")
        return self._decode(packet, len(self._room), redundant=0)

    def recover(self, following: bytes, samples: int) -> Pcm:
        """The packet lost before ``following``, ``samples`` long in media time (16 kHz).

        Where ``following`` carries no copy of it, it is concealed.
        """
        return self._made_up(following, samples)

    def conceal(self, samples: int) -> Pcm:
        """Something like what was heard before, ``samples`` long in media time (16 kHz)."""
        return self._made_up(None, samples)

    def close(self) -> None:
        """Free it; may be called twice."""
        state, self._state = self._state, None
        if state is not None:
            self._library.opus_decoder_destroy(state)

    def __del__(self) -> None:
        self.close()

    def _made_up(self, following: bytes | None, samples: int) -> Pcm:
        wanted = samples * self.rate // MEDIA_RATE
        if not 0 < wanted <= len(self._room):
            raise _bad(f"{samples} samples to make up", remedy=f"up to {_LONGEST_MS} ms")
        step = self.rate // _GRID
        whole = -(-wanted // step) * step
        made = self._decode(following, whole, redundant=int(following is not None))
        return made[:wanted]

    def _decode(self, packet: bytes | None, room: int, *, redundant: int) -> Pcm:
        state = _open(self._state, doing="decoding")
        size = 0 if packet is None else len(packet)
        samples = self._library.opus_decode(state, packet, size, self._address, room, redundant)
        _check(self._library, samples, doing=f"decoding {size} bytes")
        return self._room[:samples].copy()


def packet_samples(packet: bytes) -> int:
    """How long a packet's sound lasts, in media time (16 kHz); 0 if it is no Opus packet."""
    samples: int = library().opus_packet_get_nb_samples(packet, len(packet), MEDIA_RATE)
    return max(0, samples)


def is_redundant(packet: bytes) -> bool:
    """Whether the packet also carries its predecessor (in-band FEC, RFC 6716 section 2.1.7).

    False with a libopus before 1.5, which cannot tell.
    """
    found = library()
    asked = getattr(found, "opus_packet_has_lbrr", None)
    return bool(packet) and asked is not None and asked(packet, len(packet)) == 1


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The libopus inside PyAV's wheel, else the system's. Raises ``CodecMissing``."""
    bundled = sorted(Path(av.__file__).parents[1].glob("av.libs/libopus-*.so*"))
    tried = (*(str(path) for path in bundled), "libopus.so.0")
    why = ""
    for name in tried:
        try:
            return _declared(ctypes.CDLL(name))
        except (OSError, AttributeError) as error:
            why = str(error)
    remedy = "install PyAV from its wheel, or Debian's libopus0"
    raise CodecMissing(codec="Opus", tried=tried, why=why, remedy=remedy)


def _declared(found: ctypes.CDLL) -> ctypes.CDLL:
    fault = POINTER(c_int)
    found.opus_strerror.restype, found.opus_strerror.argtypes = c_char_p, [c_int]
    for name, arguments in {
        "opus_encoder_create": [c_int32, c_int, c_int, fault],
        "opus_decoder_create": [c_int32, c_int, fault],
        "opus_encode": [c_void_p, c_char_p, c_int, c_char_p, c_int32],
        "opus_decode": [c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int],
        "opus_packet_get_nb_samples": [c_char_p, c_int32, c_int32],
        "opus_encoder_destroy": [c_void_p],
        "opus_decoder_destroy": [c_void_p],
    }.items():
        getattr(found, name).argtypes = arguments
    found.opus_encoder_create.restype = found.opus_decoder_create.restype = c_void_p
    found.opus_encoder_destroy.restype = found.opus_decoder_destroy.restype = None
    return found


def _rate(rate: int) -> int:
    if rate not in RATES:
        raise _bad(f"{rate} Hz", remedy=f"one of {', '.join(map(str, RATES))}")
    return rate


def _open(state: int | None, *, doing: str) -> int:
    if state is None:
        raise CodecFault(codec="Opus", doing=doing, code=0, why="it is closed")
    return state


def _check(found: ctypes.CDLL, code: int, *, doing: str) -> None:
    if code < _OK:
        why = found.opus_strerror(code).decode()
        raise CodecFault(codec="Opus", doing=doing, code=code, why=why)


def _bad(what: str, *, remedy: str) -> FormatMismatch:
    return FormatMismatch(where="Opus", what=what, remedy=remedy)
