"""Eight mel columns to one row of the encoder, for rows of different age.

The weights and their modules are transformers'; what its cache lacks is an age per row (it holds
one for the batch). Each of the three causal stages, of kernel 3 and stride 2, pads its own input
with zeros. So outputs from before a row's first column, and from after its last, are zeroed after
every stage, and one graph fits the first frame, all others and the end.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.mel import COLUMNS
from bot.voicechat.rows import keep_

Tails = tuple[Tensor, Tensor, Tensor]
"""The last input of each stage: float32 ``[rows, channels, 1, bins]``, kernel less stride."""


def new_tails(weight: Tensor, *, rows: int, bins: int) -> Tails:
    """Those of rows before their call; ``weight`` is of the first stage."""
    channels, halved = weight.shape[0], bins // 2 + 1
    return (
        weight.new_zeros(rows, 1, 1, bins),
        weight.new_zeros(rows, channels, 1, halved),
        weight.new_zeros(rows, channels, 1, halved // 2 + 1),
    )


def halve(count: Tensor) -> Tensor:
    """Outputs of a stage for so many inputs, as NeMo counts them."""
    return count // 2 + 1


def subsample(
    module: nn.Module, tails: Tails, columns: Tensor, *, frame: Tensor, valid: Tensor, mask: Tensor
) -> Tensor:
    """One frame of each row.

    Args:
        module: transformers' subsampling.
        tails: advanced in the rows of ``mask``.
        columns: float32 ``[rows, bins, 8]``, zero before the call and past its end.
        frame: int64 ``[rows]``, the number of the frame, from 0.
        valid: int64 ``[rows]``, columns of the call so far, past which there is no sound.
        mask: bool ``[rows]``.

    Returns:
        float32 ``[rows, 1, width]``, before any scaling.
    """
    x, count = columns.transpose(1, 2)[:, None], COLUMNS
    stages: list[tuple[Any, Any]] = [(module.conv_in, None)]
    stages += [(layer.depthwise_conv, layer.pointwise_conv) for layer in module.layers]
    for tail, (strided, pointwise) in zip(tails, stages, strict=True):
        seen = torch.cat([tail, x], 2)
        keep_(tail, x[:, :, -1:], mask)
        x = functional.conv2d(
            functional.pad(seen, (2, 1)),  # of the bins; kernel 3, stride 2
            strided.weight,
            strided.bias,
            stride=2,
            groups=strided.groups,
        )
        if pointwise is not None:
            x = pointwise(x)
        count, valid = count // 2, halve(valid)
        place = torch.arange(1 - count, 1, device=x.device) + count * frame[:, None]
        heard = (place >= 0) & (place < valid[:, None])
        x = torch.where(heard[:, None, :, None], functional.relu(x), 0.0)
    return module.linear(x.transpose(1, 2).flatten(2))
