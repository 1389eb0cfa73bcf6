"""What is said in calls of browsers: a voice, and a sound of which every moment is known again."""

from __future__ import annotations

import numpy as np

from bot.engines.embedded import pins
from bot.engines.embedded.g2p import EnglishG2p
from bot.engines.embedded.tts import PiperVoice
from bot.engines.embedded.weights import locate
from media.frame import Pcm
from media.opus import OpusEncoder, OpusSettings
from media.resample import Resampler

RATE = 24_000
PACKET_S = 0.02
SIZE = round(RATE * PACKET_S)
TEXT = (
    "We are open from Monday to Friday between nine in the morning and half past six in the "
    "evening and on Saturdays until one and there is room for your car behind the house"
)
KNOT_S, LOW_HZ, HIGH_HZ, LOUD = 0.06, 300.0, 1_500.0, 8_000


def voice() -> Pcm:
    """Some eight seconds without a pause, int16 at 24 kHz, whole packets."""
    made = PiperVoice(locate(pins.VOICE), locate(pins.VOICE_CONFIG), g2p=EnglishG2p()).speak(TEXT)
    resampler = Resampler(made.rate, RATE)
    pcm = np.concatenate([resampler.push(made.pcm), resampler.flush()])
    return pcm[: len(pcm) - len(pcm) % SIZE]


def wander(seconds: float, *, seed: int = 0) -> Pcm:
    """A tone whose pitch goes somewhere else every 60 ms, int16 at 24 kHz: no part comes twice."""
    knots = np.random.default_rng(seed).uniform(LOW_HZ, HIGH_HZ, round(seconds / KNOT_S) + 1)
    at = np.arange(round(seconds * RATE)) / RATE
    hz = np.interp(at, np.arange(len(knots)) * KNOT_S, knots)
    return (LOUD * np.sin(2 * np.pi * np.cumsum(hz) / RATE)).astype(np.int16)


def encoded(pcm: Pcm, settings: OpusSettings | None = None) -> list[bytes]:
    """A packet for each 20 ms of ``pcm``."""
    encoder = OpusEncoder(RATE, settings)
    packets = [encoder.encode(pcm[at : at + SIZE]) for at in range(0, len(pcm), SIZE)]
    encoder.close()
    return packets
