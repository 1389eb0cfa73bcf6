"""Sound that a browser is given, and whether it is found again somewhere else."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve

from media.frame import Pcm
from media.resample import Resampler

WIDE = 48_000  # hertz, as browsers have it
# Opus, the browser's noise suppression and its gain leave 0.67 to 0.95 of a likeness between what
# was said and what came; utterances of the same voice that were never said are found with 0.21.
ALIKE = 0.45
# A browser that is behind stretches and squeezes what it plays: pieces of 600 ms stay as they are.
# They are found with 0.87 and more, three quarters of them, those of others with 0.46 at most.
PIECE_S, PIECES_ALIKE = 0.6, 0.6
AUDIBLE = 50  # root mean square; pieces below are not looked for


def resampled(pcm: Pcm, rate: int, wanted: int) -> Pcm:
    """All of it."""
    resampler = Resampler(rate, wanted)
    return np.concatenate([resampler.push(np.ascontiguousarray(pcm)), resampler.flush()])


def spaced(parts: Sequence[Pcm | float], *, rate: int) -> Pcm:
    """One after the other; numbers are seconds of silence."""
    return np.concatenate(
        [np.zeros(round(one * rate), np.int16) if isinstance(one, float) else one for one in parts]
    )


def write(path: Path, pcm: Pcm, *, rate: int) -> Path:
    """A mono WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.astype("<i2").tobytes())
    return path


def likeness(heard: Pcm, said: Pcm) -> float:
    """How like ``said`` the likest stretch of ``heard`` is: 0 to 1, whatever the loudness.

    The greatest of the normalised cross-correlations; both of one rate.
    """
    where, what = heard.astype(np.float64), said.astype(np.float64)
    match = np.abs(fftconvolve(where, what[::-1], "valid"))
    energy = fftconvolve(where**2, np.ones(len(what)), "valid")
    audible = energy > len(what)  # a mean of 1 in 32768: what is left of silence counts for nothing
    return float(np.max(match[audible] / np.sqrt(energy[audible] * (what**2).sum()), initial=0.0))


def likeness_of_pieces(heard: Pcm, said: Pcm, *, rate: int) -> float:
    """The median likeness of the pieces of ``said``, each for itself and wherever it is found."""
    length = round(PIECE_S * rate)
    pieces = [said[at : at + length] for at in range(0, len(said) - length + 1, length)]
    return float(np.median([likeness(heard, one) for one in pieces if level(one) > AUDIBLE]))


def level(pcm: Pcm) -> float:
    """Root mean square."""
    return float(np.sqrt((pcm.astype(np.float64) ** 2).mean())) if len(pcm) else 0.0
