"""Rows: the state of many calls in tensors with a leading row axis of fixed width.

A *state* is a dataclass whose fields are tensors ``[rows, ...]``, states, or tuples of either.
Which row is whose call is no business of this package: a step is given a mask and advances the
rows in it; in all others not one bit of the state changes. What a state must obey:

- A row's outcome depends on nothing in any other row.
- A step writes in place, so that addresses stay (CUDA graphs), and only where the mask is true.
- A fresh row is what ``new_state(1)`` of its module has, and ``copy_row`` makes a row fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

State = TypeVar("State")


def tensors(state: Any) -> Iterator[Tensor]:
    """All tensors of a state, always in the same order."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from tensors(part)
    elif is_dataclass(state):
        for one in fields(state):
            yield from tensors(getattr(state, one.name))


def nbytes(state: Any) -> int:
    """Of all rows together."""
    return sum(tensor.nbytes for tensor in tensors(state))


@torch.no_grad()
def copy_row(source: State, row: int, target: State, to: int) -> None:
    """Make row ``to`` of ``target`` what ``row`` of ``source`` is, bit for bit."""
    for old, new in zip(tensors(target), tensors(source), strict=True):
        old[to].copy_(new[row])


def keep_(state: Tensor, new: Tensor, mask: Tensor) -> None:
    """Write ``new`` into ``state`` (both ``[rows, ...]``) in the rows of ``mask`` (bool)."""
    shape = (-1, *([1] * (state.dim() - 1)))
    state.copy_(torch.where(mask.view(shape), new.to(state.dtype), state))
