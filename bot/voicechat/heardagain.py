"""The model's input at the rate of its output, to lay them side by side. Pure."""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

UP, DOWN = 441, 320
"""22 050 Hz of 16 000 Hz."""

TAPS = 64
_BLOCK = 1 << 16


def at_output_rate(heard: Floats) -> Floats:
    """Float32 ``[n]`` at 16 kHz as ``[ceil(n · 441 / 320)]`` at 22 050 Hz, aligned: no delay.

    A windowed sinc (Kaiser, β 9) of 64 samples around each of the 441 places that an output
    sample can have between two of the input; so it is flat up to 7 kHz. Zeros lie around the input.
    """
    total, half = ceil(len(heard) * UP / DOWN), TAPS // 2
    around = np.pad(heard, (half - 1, half + 1))
    near = np.lib.stride_tricks.sliding_window_view(around, TAPS)
    kernels = _kernels()
    out = np.empty(total, np.float32)
    for start in range(0, total, _BLOCK):
        places = np.arange(start, min(start + _BLOCK, total)) * DOWN
        out[start : start + _BLOCK] = np.einsum(
            "nt,nt->n", near[places // UP], kernels[places % UP]
        )
    return out


def _kernels() -> Floats:
    """``[441, 64]``: the weights of the samples around, by the place between two of them."""
    place = np.arange(UP)[:, None] / UP
    offset = np.arange(TAPS)[None] - (TAPS // 2 - 1) - place
    window = np.i0(9.0 * np.sqrt(np.maximum(0.0, 1.0 - (offset / (TAPS / 2)) ** 2))) / np.i0(9.0)
    kernels = np.sinc(offset) * window
    return (kernels / kernels.sum(1, keepdims=True)).astype(np.float32)
