"""Turn-taking as ``duplex`` asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bot.voicechat.duplex import DuplexState
from bot.voicechat.special import SpecialTokens
from bot.voicechat.turnpolicy import TurnOptions
from bot.voicechat.turntaking import Heard, TurnState, take_turns


@dataclass(frozen=True, slots=True)
class TurnTaker:
    """A ``TurnRule`` of ``duplex``, and all that it remembers: a state in the sense of ``rows``."""

    options: TurnOptions
    state: TurnState
    heard: Heard
    muted: Tensor
    """``[rows]`` bool: a tool is being called; the same as ``duplex.Dictated.silent``."""
    forced: Tensor
    """``[rows]`` int64: ``turntaking.Forced`` of the row's last frame."""
    ids: SpecialTokens

    @classmethod
    def new(
        cls, rows: int, *, ids: SpecialTokens, device: torch.device | str | None = None
    ) -> TurnTaker:
        """Native in all rows."""

        def flags() -> Tensor:
            return torch.zeros(rows, dtype=torch.bool, device=device)

        return cls(
            options=TurnOptions.new(rows, device=device),
            state=TurnState.new(rows, device=device),
            heard=Heard(speech=flags(), mid_word=flags()),
            muted=flags(),
            forced=torch.zeros(rows, dtype=torch.int64, device=device),
            ids=ids,
        )

    @torch.no_grad()
    def listen_(self, heard: Heard, *, muted: Tensor | None = None) -> None:
        """What the RNN-T heard in the frame, and which rows are silent: before the frame's step.

        Both stay until said otherwise; without an RNN-T there is no need to call this.
        """
        self.heard.speech.copy_(heard.speech)
        self.heard.mid_word.copy_(heard.mid_word)
        if muted is not None:
            self.muted.copy_(muted)

    @torch.no_grad()
    def __call__(
        self, text: Tensor, *, asr: Tensor, state: DuplexState, t: Tensor, mask: Tensor
    ) -> Tensor:
        """``[rows]`` int64: see ``TurnRule``."""
        turns = take_turns(
            text,
            state=self.state,
            options=self.options,
            ids=self.ids,
            mask=mask,
            asr=asr,
            heard=self.heard,
            muted=self.muted,
        )
        self.forced.copy_(torch.where(mask, turns.forced, self.forced))
        return turns.text
