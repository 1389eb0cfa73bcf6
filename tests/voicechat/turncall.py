"""A call by itself, frame by frame, for tests of turn-taking."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from bot.voicechat.special import SpecialTokens
from bot.voicechat.turnpolicy import TurnOptions, TurnPolicy
from bot.voicechat.turntaking import Heard, TurnState, take_turns

IDS = SpecialTokens()
PAD, BOS, EOS, WORD = IDS.pad, IDS.bos, IDS.eos, 50


@dataclass
class Call:
    """One row of a batch of its own, frame by frame."""

    policy: TurnPolicy
    prompt: int = 0
    ids: SpecialTokens = IDS
    state: TurnState = field(default_factory=lambda: TurnState.new(1))
    forced: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.options = TurnOptions.new(1)
        self.options.set_row(0, self.policy)
        self.state.start_row(0, prompt=self.prompt)

    def frame(
        self,
        text: int = PAD,
        *,
        asr: int = PAD,
        speech: bool = False,
        mid_word: bool = False,
        dictated: int = -1,
    ) -> int:
        turns = take_turns(
            torch.tensor([text]),
            state=self.state,
            options=self.options,
            ids=self.ids,
            mask=torch.tensor([True]),
            asr=torch.tensor([asr]),
            heard=Heard(speech=torch.tensor([speech]), mid_word=torch.tensor([mid_word])),
            dictated=torch.tensor([dictated]),
        )
        self.forced.append(int(turns.forced))
        return int(turns.text)

    def talk(self, spoken: str, text: int = PAD) -> list[int]:
        """``x`` is a frame with a whole word, ``-`` one with the start of one, ``.`` a blank."""
        return [self.frame(text, speech=c in "x-", mid_word=c == "-") for c in spoken]
