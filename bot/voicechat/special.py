"""Token ids that mean something to the frame loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids of the Nemotron-Nano-v2 tokenizer, which the public checkpoint uses.

    ``pad`` (``<SPECIAL_12>``) is a frame without a token. It is also that tokenizer's own
    end-of-sequence id: a decoder that stops at it stops at the first silent frame. The next three
    are of the function channel: a tool call starts and ends, and its response has ended. The last
    two are of older checkpoints (NeMo's ``user_bos_token`` and ``user_eos_token``, there ``^`` and
    ``$``): their ASR head begins and ends the caller's turns with tokens of its own.
    """

    pad: int = 12
    bos: int = 1
    eos: int = 2
    call_start: int = 20
    call_end: int = 21
    response_end: int = 22
    user_bos: int | None = None
    user_eos: int | None = None

    @property
    def caller_begins(self) -> tuple[int, ...]:
        """Tokens of the ASR head that begin a turn of the caller's."""
        return _distinct(self.bos, self.user_bos)

    @property
    def caller_ends(self) -> tuple[int, ...]:
        """Tokens of the ASR head that end it."""
        return _distinct(self.eos, self.user_eos)

    @property
    def greedy_only(self) -> tuple[int, ...]:
        """The ``specials`` of sampling: taken where they are best, never drawn, never penalised."""
        return _distinct(self.pad, self.bos, self.eos, self.user_bos, self.user_eos)


def among(tokens: Tensor, ids: Iterable[int]) -> Tensor:
    """Bool in the shape of ``tokens``: is it one of ``ids``?

    By comparisons, as ``torch.isin`` would copy the ids to the device in every step.
    """
    found = torch.zeros_like(tokens, dtype=torch.bool)
    for one in ids:
        found = found | (tokens == one)
    return found


def _distinct(*tokens: int | None) -> tuple[int, ...]:
    return tuple(dict.fromkeys(token for token in tokens if token is not None))
