"""What the hybrid language model remembers of each row, and the two ways it grows.

A Mamba2 layer remembers the last inputs of its convolution and one matrix per head (Dao and Gu,
"Transformers are SSMs", 2024, section 7); an attention layer its keys and values; an MLP nothing.
All is preallocated. ``FrameCache`` and ``PromptCache`` are what transformers' mixers take for a
cache: the first puts one position into many rows, the second a whole prompt into one fresh row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bot.errors import BotError
from bot.voicechat.rows import keep_


class ContextFull(BotError):
    """A row of ``length`` positions cannot take ``wanted`` more."""

    def __init__(self, *, row: int, wanted: int, used: int, length: int) -> None:
        self.row, self.wanted, self.used, self.length = row, wanted, used, length
        super().__init__(
            f"row {row}: no room for {wanted} positions, {used} of {length} are used;"
            " start it afresh, or make the state longer"
        )


@dataclass(frozen=True, slots=True)
class MambaState:
    """``conv`` [rows, channels, kernel] in the model's dtype: the last inputs, newest last.

    ``ssm`` [rows, heads, head width, state width] is float32 whatever the model's dtype: it is a
    sum over the whole call, and transformers and mamba-ssm keep it so, too.
    """

    conv: Tensor
    ssm: Tensor

    def convolve(self, new: Tensor, *, weight: Tensor, bias: Tensor | None, mask: Tensor) -> Tensor:
        """Take ``new`` [rows, channels] in, return the causal convolution there, float32.

        ``weight`` [channels, kernel], ``bias`` [channels].
        """
        window = torch.cat([self.conv[:, :, 1:], new.to(self.conv.dtype)[:, :, None]], dim=-1)
        keep_(self.conv, window, mask)
        out = (window.float() * weight.float()).sum(-1)
        return out if bias is None else out + bias.float()

    def scan(
        self, x: Tensor, *, dt: Tensor, log_decay: Tensor, b: Tensor, c: Tensor, mask: Tensor
    ) -> Tensor:
        """One position of the recurrence S = S exp(dt A) + dt x B', y = S C; returns y like x.

        ``x`` [rows, heads, head width], ``dt`` [rows, heads] > 0, ``log_decay`` [heads] (A < 0),
        ``b`` and ``c`` [rows, groups, state width]; all float32.

        The state is most of a row (142 MB in the public model), so it is never copied: a row out
        of the mask is multiplied by 1, and what is added to it is -0.0, the one number that
        changes no bit of any other (+0.0 makes -0.0 positive).
        """
        rows, heads, width, depth = self.ssm.shape
        groups = b.shape[1]
        decay = torch.where(mask[:, None], torch.exp(dt * log_decay), 1.0)
        drive = torch.where(mask[:, None, None], x * dt[:, :, None], -0.0)
        b = torch.where(mask[:, None, None], b, 1.0)
        self.ssm.mul_(decay[:, :, None, None])
        grouped = self.ssm.view(rows, groups, heads // groups * width, depth)
        grouped.addcmul_(drive.reshape(rows, groups, -1, 1), b[:, :, None, :])
        return torch.matmul(grouped, c[:, :, :, None]).view(rows, heads, width)


@dataclass(frozen=True, slots=True)
class AttentionState:
    """``keys`` and ``values`` [rows, heads, length, head width]; what is past a row's position
    is of no meaning."""

    keys: Tensor
    values: Tensor


LayerState = MambaState | AttentionState | None
"""``None``: the layer (an MLP) remembers nothing."""


@dataclass(frozen=True, slots=True)
class ThinkerState:
    """``position`` [rows] int64: frames so far, the prompt's included. ``length`` is the most."""

    position: Tensor
    layers: tuple[LayerState, ...]
    length: int

    def going(self, mask: Tensor) -> Tensor:
        """Rows of ``mask`` that have room; a full row stays as it is (bool [rows])."""
        return mask & (self.position < self.length)


class FrameCache:
    """One new position for each row of ``mask``, for the attention layers of one step."""

    def __init__(self, state: ThinkerState, mask: Tensor) -> None:
        self._state, self._mask = state, mask

    def update(
        self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Put both [rows, heads, 1, head width] at each row's own position; return all of them."""
        kept, position = self._state.layers[layer_idx], self._state.position
        assert isinstance(kept, AttentionState)
        put_(kept.keys, keys, position=position, mask=self._mask, dim=2)
        put_(kept.values, values, position=position, mask=self._mask, dim=2)
        return kept.keys, kept.values


class PromptCache:
    """A fresh row that takes many positions in one pass, as transformers' mixers do it.

    It says that there is nothing before, so that they take their multi-token path.
    """

    def __init__(self, state: ThinkerState, row: int) -> None:
        self._state, self._row = state, row

    def get_conv_state(self, layer_idx: int, state_idx: int = 0) -> None:
        """Nothing before."""

    def get_recurrent_state(self, layer_idx: int, state_idx: int = 0) -> None:
        """Nothing before."""

    def has_previous_state(
        self, layer_idx: int | None = None, state_idx: int | None = None
    ) -> bool:
        return False

    def is_recording_past(self, layer_idx: int) -> bool:
        return False

    def update_conv_state(self, conv_states: Tensor, layer_idx: int, **_: Any) -> Tensor:
        """Keep the last inputs of ``conv_states`` [1, channels, positions]; return it."""
        kept = self._state.layers[layer_idx]
        assert isinstance(kept, MambaState)
        # A negative pad cuts: a prompt shorter than the kernel has zeros before it.
        missing = kept.conv.shape[-1] - conv_states.shape[-1]
        kept.conv[self._row].copy_(functional.pad(conv_states, (missing, 0))[0])
        return conv_states

    def update_recurrent_state(self, recurrent_states: Tensor, layer_idx: int, **_: Any) -> Tensor:
        """Keep the state after the last position; [1, heads, head width, state width]."""
        kept = self._state.layers[layer_idx]
        assert isinstance(kept, MambaState)
        kept.ssm[self._row].copy_(recurrent_states[0])
        return recurrent_states

    def update(
        self, keys: Tensor, values: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Keep both [1, heads, positions, head width] from the row's start; return them."""
        kept = self._state.layers[layer_idx]
        assert isinstance(kept, AttentionState)
        kept.keys[self._row, :, : keys.shape[2]].copy_(keys[0])
        kept.values[self._row, :, : values.shape[2]].copy_(values[0])
        return keys, values


def put_(state: Tensor, new: Tensor, *, position: Tensor, mask: Tensor, dim: int) -> None:
    """Write ``new`` (size 1 in ``dim``) at each row's ``position`` of ``dim``, where ``mask``.

    Only that place is read and written, so that the cost does not grow with the state's length.
    """
    shape = (-1, *([1] * (state.dim() - 1)))
    index = position.clamp(max=state.shape[dim] - 1).view(shape).expand_as(new)
    old = state.gather(dim, index)
    state.scatter_(dim, index, torch.where(mask.view(shape), new.to(state.dtype), old))
