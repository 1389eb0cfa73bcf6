"""Who may force the agent to speak or to stop, and when: policies, and those of many rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from types import MappingProxyType

import torch
from torch import Tensor

from bot.voicechat.config import ForcedTurns
from bot.voicechat.options import OptionError

NEVER = 1 << 30
"""Frames that no call has: 2.7 years of them."""


class Rule(IntEnum):
    """What forces turns: nothing, tokens of the ASR head, or the RNN-T's pieces."""

    NATIVE = 0
    ASR_HEAD = 1
    RNNT = 2


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """All but ``rule`` and ``spare_bos`` count frames of 80 ms; names in quotes are NeMo's."""

    rule: Rule = Rule.NATIVE
    cooldown: int = 40
    """No BOS is forced if one was among so many tokens before, no EOS likewise
    (``force_turn_taking_threshold``)."""

    pad_window: int = 25
    """ASR head: so many PADs end the caller's turn (``force_turn_taking_pad_window``); 0 for
    none, his turns then end by his EOS only."""
    spare_bos: bool = True
    """ASR head: PADs that follow a BOS end no turn. NeMo 3.0.0 lacks this, later NeMo has it."""

    eou: int = 10
    """RNN-T: so many frames without a piece end the caller's turn (``rnnt_eou_frames``)."""
    eou_first: int = 10
    """The same until the agent has spoken for the first time."""
    eou_mid_word: int = NEVER
    """The same where the last piece continued a word, if it is more."""
    bou: int = 3
    """RNN-T: so many frames with pieces in a row stop the agent (``rnnt_bou_frames``)."""
    min_speech: int = 3
    """RNN-T: so many frames with pieces make a turn of the caller's
    (``asr_min_speech_frames``)."""
    min_speech_first: int = 2
    """The same until the agent has spoken (``asr_min_speech_frames_first_turn``)."""
    forget: int = 10
    """RNN-T: pieces too few for a turn are noise after so many frames without any
    (``nonblank_reset_after_silence``)."""
    longest: int = 0
    """RNN-T: the agent is stopped after so many frames, 0 for never
    (``max_agent_response_sec``)."""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name not in ("rule", "spare_bos") and not 0 <= value <= NEVER:
                raise OptionError(name=one.name, value=value, wanted="a number of frames")

    @classmethod
    def of_checkpoint(cls, forced: ForcedTurns, *, spare_bos: bool = True) -> TurnPolicy:
        """What ``config.json`` asks for; ``spare_bos=False`` is NeMo 3.0.0."""
        return cls(
            rule=Rule.ASR_HEAD if forced.on else Rule.NATIVE,
            cooldown=forced.threshold,
            pad_window=forced.pad_window,
            spare_bos=spare_bos,
        )


PRESETS: Mapping[str, TurnPolicy] = MappingProxyType(
    {
        # The model begins and ends its turns by itself; it was trained to.
        "native": TurnPolicy(),
        # The defaults in the code of NeMo's branch nemotron-labs-voicechat, with two changes of
        # ours. There, a turn whose last word has several pieces is never ended; here it takes
        # 1.6 s. And a cooldown of 3.2 s would protect a new answer from a second interruption.
        "responsive": TurnPolicy(rule=Rule.RNNT, cooldown=10, eou_mid_word=20),
        # That branch's s2s_streaming.yaml: so patient that the model nearly always comes first.
        # Of its windows of PADs, 38 and on the first turn 10 frames, the latter is the first
        # turn's patience here; the former is for checkpoints with an ASR head.
        "published": TurnPolicy(
            rule=Rule.RNNT, pad_window=38, eou=40, eou_first=10, bou=40, longest=187
        ),
    }
)


def preset(name: str) -> TurnPolicy:
    """Raises ``OptionError`` with the names there are."""
    if name not in PRESETS:
        raise OptionError(name="turn_taking", value=name, wanted="one of " + ", ".join(PRESETS))
    return PRESETS[name]


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """Policies of rows, a state in the sense of ``rows``; all ``[rows]`` int64 but ``spare_bos``.

    Tensors and no numbers, so that one batch, and one captured graph, serves different policies.
    """

    rule: Tensor
    cooldown: Tensor
    pad_window: Tensor
    spare_bos: Tensor
    eou: Tensor
    eou_first: Tensor
    eou_mid_word: Tensor
    bou: Tensor
    min_speech: Tensor
    min_speech_first: Tensor
    forget: Tensor
    longest: Tensor

    @classmethod
    def new(cls, rows: int, *, device: torch.device | str | None = None) -> TurnOptions:
        """Native in all rows."""
        policy = TurnPolicy()

        def filled(name: str) -> Tensor:
            dtype = torch.bool if name == "spare_bos" else torch.int64
            return torch.full((rows,), int(getattr(policy, name)), dtype=dtype, device=device)

        return cls(**{one.name: filled(one.name) for one in fields(cls)})

    @torch.no_grad()
    def set_row(self, row: int, policy: TurnPolicy) -> None:
        """Not for inside a step."""
        for one in fields(self):
            getattr(self, one.name)[row] = int(getattr(policy, one.name))
