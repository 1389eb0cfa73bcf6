"""Turn-taking as ``duplex`` asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bot.voicechat.duplex import Dictated
from bot.voicechat.special import SpecialTokens
from bot.voicechat.turnpolicy import TurnOptions
from bot.voicechat.turntaking import Heard, TurnState, take_turns


@dataclass(frozen=True, slots=True)
class TurnTaker:
    """A ``TurnRule`` of ``duplex``, and all that it remembers: a state in the sense of ``rows``."""

    options: TurnOptions
    state: TurnState
    forced: Tensor
    """``[rows]`` int64: ``turntaking.Forced`` of the row's last frame."""
    ids: SpecialTokens

    @classmethod
    def new(
        cls, rows: int, *, ids: SpecialTokens, device: torch.device | str | None = None
    ) -> TurnTaker:
        """Native in all rows."""
        return cls(
            options=TurnOptions.new(rows, device=device),
            state=TurnState.new(rows, device=device),
            forced=torch.zeros(rows, dtype=torch.int64, device=device),
            ids=ids,
        )

    @torch.no_grad()
    def __call__(
        self,
        text: Tensor,
        *,
        asr: Tensor,
        heard: Heard | None,
        dictated: Dictated | None,
        mask: Tensor,
    ) -> Tensor:
        """``[rows]`` int64: see ``TurnRule``."""
        turns = take_turns(
            text,
            state=self.state,
            options=self.options,
            ids=self.ids,
            mask=mask,
            asr=asr,
            heard=heard,
            dictated=None if dictated is None else dictated.text,
        )
        self.forced.copy_(torch.where(mask, turns.forced, self.forced))
        return turns.text
