"""What a Gemma-3 decoder remembers of each row, and the two ways it grows.

All is preallocated: keys and values of every layer for a row's whole length, also of layers that
see a window only. A call is bounded before it outgrows the released window (7500 positions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from bot.voicechat.hybridcache import put_


@dataclass(frozen=True, slots=True)
class BackboneState:
    """A state in the sense of ``rows``; what is past a row's position is of no meaning.

    ``keys`` and ``values``, one of each per layer: [rows, streams, heads, length, head width].
    """

    position: Tensor  # int64 [rows], positions so far
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    @property
    def length(self) -> int:
        """The most positions of a row."""
        return self.keys[0].shape[3]

    def going(self, mask: Tensor) -> Tensor:
        """Rows of ``mask`` that have room; a full row stays as it is (bool [rows])."""
        return mask & (self.position < self.length)


class Memory(Protocol):
    """Where a layer puts its new keys and values [..., heads, positions, head width], and what
    it gets to attend to instead."""

    def update(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]: ...


@dataclass(frozen=True, slots=True)
class FrameMemory:
    """One position for each row of ``mask``; attention reads the first ``span`` of a row."""

    state: BackboneState
    mask: Tensor
    span: int

    def update(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        kept, position = (self.state.keys[layer], self.state.values[layer]), self.state.position
        for old, new in zip(kept, (keys, values), strict=True):
            put_(old, new, position=position, mask=self.mask, dim=3)
        return kept[0][:, :, :, : self.span], kept[1][:, :, :, : self.span]


@dataclass(frozen=True, slots=True)
class PromptMemory:
    """The first positions of one row, all at once."""

    state: BackboneState
    row: int

    def update(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        count = keys.shape[-2]
        self.state.keys[layer][self.row, :, :, :count].copy_(keys)
        self.state.values[layer][self.row, :, :, :count].copy_(values)
        return keys, values
