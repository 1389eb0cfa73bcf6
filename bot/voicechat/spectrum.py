"""Sound to a short-time spectrum and back, whole and as a stream, in real arithmetic.

What the encoder and the decoder of NeMo 3.0.0's ``RVQVAEModel`` have at their outer ends. A column
is ``n_fft`` samples under a periodic Hann window, and the next one begins ``hop`` later, a quarter
of that: sample ``i`` of the sound is in the columns ``c`` with 0 <= i + edge - hop c < n_fft, where
``edge`` = (n_fft - hop) / 2.

Real, because the transform is so small (16 samples in the released codec) that a product with a
matrix is cheaper than any FFT, and complex tensors are what compilers of graphs leave out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.errors import CheckpointError
from bot.voicechat.rows import keep_

OVERLAP = 4
"""Columns over each sample."""

LOUDEST = 100.0
"""Magnitudes are below it (NeMo)."""


class Spectrum(nn.Module):
    """Fixed numbers only, none of them in a ``state_dict``; made on torch's default device."""

    window: Tensor
    """float32 [n_fft]."""
    analysis: Tensor
    """float32 [n_fft, n_fft + 2]: windowed samples to real parts, then imaginary ones."""
    synthesis: Tensor
    """float32 [n_fft, n_fft]: real parts, then the imaginary ones that count, to samples."""

    def __init__(self, n_fft: int, hop: int) -> None:
        """Raises ``CheckpointError`` if the hop is not an even quarter of ``n_fft``."""
        super().__init__()
        if n_fft != OVERLAP * hop or hop % 2:
            raise CheckpointError(
                where="config.json: codec_config.hop_length",
                what=f"{hop} of n_fft {n_fft}, where only an even quarter of it is supported",
            )
        self.n_fft, self.hop, self.edge = n_fft, hop, (n_fft - hop) // 2
        self.late = 2 * hop
        """How many samples a stream is behind the whole."""
        self.reach = (self.late - self.edge + n_fft - 1) // hop
        """How many columns before its new ones are in what a stream says next."""
        self.reset()

    @torch.no_grad()
    def reset(self, device: torch.device | str | None = None) -> None:
        """Calculate the numbers anew, on ``device`` (torch's default)."""
        n_fft, half = self.n_fft, self.n_fft // 2
        sample = torch.arange(n_fft, dtype=torch.float64, device=device)
        angle = sample[:, None] * sample[: half + 1] * (2 * math.pi / n_fft)
        cos, sin = angle.cos(), angle.sin()
        # Of a real signal the bins in between count twice: for themselves and their mirror images.
        twice = torch.full_like(cos[0], 2.0)
        twice[0] = twice[half] = 1.0
        window = 0.5 - 0.5 * torch.cos(sample * (2 * math.pi / n_fft))
        numbers = {
            "window": window,
            "analysis": window[:, None] * torch.cat([cos, -sin], 1),
            "synthesis": torch.cat([cos * twice, -2 * sin[:, 1:half]], 1).T / n_fft,
        }
        for name, values in numbers.items():
            self.register_buffer(name, values.float().contiguous(), persistent=False)

    @property
    def level(self) -> float:
        """What the squared windows of all columns over a sample add up to, away from the ends."""
        return 3 / 8 * OVERLAP

    def analyse(self, wav: Tensor) -> Tensor:
        """float32 ``[batch, samples]`` to ``[batch, samples / hop, n_fft + 2]``, zeros around.

        Real parts of all bins, then imaginary parts.
        """
        around = functional.pad(wav, (self.edge, self.edge))
        return torch.matmul(around.unfold(-1, self.n_fft, self.hop), self.analysis)

    def sounds(self, columns: Tensor, *, clamp: bool = True) -> Tensor:
        """Windowed samples float32 ``[batch, columns, n_fft]`` of each column.

        ``columns`` is float32 ``[batch, columns, n_fft + 2]``: logits of the magnitudes of all
        bins, then phases in radians. With ``clamp`` no sample is louder than the window, so that
        what comes of it is within [-1, 1]; without, it is only to be compared.
        """
        logits, phase = columns.chunk(2, -1)
        magnitude = LOUDEST * torch.sigmoid(logits - math.log(LOUDEST))
        imaginary = (magnitude * phase.sin())[..., 1 : self.n_fft // 2]
        sound = torch.cat([magnitude * phase.cos(), imaginary], -1) @ self.synthesis
        if clamp:
            sound = torch.minimum(torch.maximum(sound, -self.window), self.window)
        return sound * self.window

    def whole(self, sounds: Tensor) -> Tensor:
        """Add all columns up: float32 ``[batch, columns, n_fft]`` to ``[batch, columns * hop]``."""
        squares = self.window.square().expand_as(sounds[:1])
        inside = slice(self.edge, -self.edge)
        return _overlapped(sounds)[:, inside] / _overlapped(squares)[:, inside]

    def new_tail(self, rows: int) -> Tensor:
        """float32 ``[rows, samples]``: what is not said yet of the columns so far; zeros."""
        return self.window.new_zeros(rows, self.n_fft - self.hop + self.late - self.edge)

    def step(self, tail: Tensor, sounds: Tensor, mask: Tensor) -> Tensor:
        """The next ``[rows, columns, n_fft]``: as many samples as they are hops apart.

        ``late`` samples behind ``whole``, as NeMo's cached decoding is; a shorter delay than two
        samples less is not possible. Before the first column there were others, of zeros, where
        ``whole`` has none: so the samples that are near it differ, 6 of the released codec's.
        ``tail`` moves in the rows of ``mask`` (bool).
        """
        added = functional.pad(_overlapped(sounds), (self.late - self.edge, 0))
        kept = tail.shape[1]
        added = torch.cat([added[:, :kept] + tail, added[:, kept:]], 1)
        new = sounds.shape[1] * self.hop
        keep_(tail, added[:, new:], mask)
        return added[:, :new] / self.level

    def last(self, tail: Tensor) -> Tensor:
        """The ``late`` samples of ``[rows, late]`` that columns of zeros would bring out."""
        return tail[:, : self.late] / self.level


def _overlapped(sounds: Tensor) -> Tensor:
    """``[batch, columns, n_fft]`` a hop apart to ``[batch, (columns + 3) * hop]``.

    Four shifted sums: elementwise, in the same order for each sample wherever it is.
    """
    quarters = sounds.unflatten(-1, (OVERLAP, -1)).unbind(2)
    shifted = [
        functional.pad(quarter, (0, 0, place, OVERLAP - 1 - place))
        for place, quarter in enumerate(quarters)
    ]
    return (shifted[0] + shifted[1] + shifted[2] + shifted[3]).flatten(1)
