"""The codec's layers, on ``[batch, time, channels]``: ConvNeXt blocks, and changes of rate.

A block (Liu et al., "A ConvNet for the 2020s", 2022, arXiv:2201.03545) sees the past alone here,
as in NeMo 3.0.0's ``RVQVAEModel``: its depthwise convolution is padded on the left only. A change
of rate has no past at all, for its kernel is as long as its stride. So a stream has to remember
the last inputs of the depthwise convolutions, and nothing else.

With time before channels every product is one of matrices, and only the float32 switches of
matrix products bear on them; the depthwise convolutions are elementwise, and always float32.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.rows import keep_

EPS = 1e-6  # of the layer norms; NeMo, and the paper's code
WIDER = 4  # a block's inner width, in channels


class ConvNeXt(nn.Module):
    """Depthwise convolution, layer norm, two pointwise layers with an exact GELU, residual."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.past = kernel - 1
        """How many inputs before one it sees."""
        self.dwconv = nn.Conv1d(channels, channels, kernel, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.pwconv1 = nn.Conv1d(channels, WIDER * channels, 1)
        self.pwconv2 = nn.Conv1d(WIDER * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """float32 ``[batch, time, channels]`` to the same, zeros before the first."""
        return self._mixed(functional.pad(x, (0, 0, self.past, 0)), x)

    def new_cache(self, rows: int) -> Tensor:
        """float32 ``[rows, kernel - 1, channels]``: the last inputs, newest last; zeros."""
        return self.norm.weight.new_zeros(rows, self.past, self.dwconv.in_channels)

    def step(self, cache: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """The next ``[rows, time, channels]``; ``cache`` moves in the rows of ``mask`` (bool)."""
        seen = torch.cat([cache, x], 1)
        keep_(cache, seen[:, x.shape[1] :], mask)
        return self._mixed(seen, x)

    def _mixed(self, seen: Tensor, x: Tensor) -> Tensor:
        """``seen`` is ``x`` with its past before it."""
        time, taps = x.shape[1], self.dwconv.weight[:, 0].unbind(-1)
        y = self.dwconv.bias.expand_as(x)
        for place, tap in enumerate(taps):
            y = torch.addcmul(y, seen[:, place : place + time], tap)
        y = functional.gelu(_pointwise(self.pwconv1, self.norm(y)))
        return x + _pointwise(self.pwconv2, y)


class Upward(nn.Module):
    """``rate`` outputs for each input: a transposed convolution whose kernel is its stride."""

    def __init__(self, channels: int, out: int, rate: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, out, rate))

    def forward(self, x: Tensor) -> Tensor:
        """float32 ``[batch, time, channels]`` to ``[batch, time * rate, out]``."""
        _, out, rate = self.weight.shape
        y = torch.matmul(x, self.weight.flatten(1)).unflatten(-1, (out, rate))
        return y.transpose(2, 3).flatten(1, 2)


class Downward(nn.Module):
    """An output for ``rate`` inputs: a convolution whose kernel is its stride, which may be 1."""

    def __init__(self, channels: int, out: int, rate: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, channels, rate))

    def forward(self, x: Tensor) -> Tensor:
        """float32 ``[batch, time, channels]`` to ``[batch, time / rate, out]``."""
        rate = self.weight.shape[-1]
        together = x.unflatten(1, (-1, rate)).transpose(2, 3).flatten(2)
        return functional.linear(together, self.weight.flatten(1))


def _pointwise(conv: nn.Conv1d, x: Tensor) -> Tensor:
    return functional.linear(x, conv.weight[..., 0], conv.bias)
