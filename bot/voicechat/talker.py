"""The mouth: a text token in, the codes of 80 ms of speech out, for rows of any age.

NeMo 3.0.0's EAR-TTS (``RVQEARTTSModel``). It runs in every frame, whoever is speaking; a token
weighs on the codes of its own frame, and what there is still to say is in the backbone's memory.
Nothing but an EOS is special to it: in that frame the codes before are those of silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bot.voicechat.fusion import Fusion
from bot.voicechat.gemma import Backbone
from bot.voicechat.gemmacache import BackboneState
from bot.voicechat.mixture import MixtureHead, schedule
from bot.voicechat.rows import keep_
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.subwords import SubwordTable
from bot.voicechat.voices import Voice

BACKBONE = "backbone."
HEAD = "mog_head."


@dataclass(frozen=True, slots=True)
class TalkerState:
    """All that a row remembers; a state in the sense of ``rows``."""

    backbone: BackboneState
    codes: Tensor
    """int64 [rows, codebooks] of the frame before; ``entries`` in all of them before the first."""


class Talker(nn.Module):
    """Fusion, backbone and head. Has no weights of use before ``load``.

    Guidance, nucleus and noise are those of ``config``; without guidance there is one stream, with
    half the memory.
    """

    def __init__(
        self,
        config: SpeechConfig,
        *,
        special: SpecialTokens = SpecialTokens(),  # noqa: B008 -- frozen
    ) -> None:
        super().__init__()
        self.config, self.special = config, special
        self.fusion = Fusion(config, special=special)
        self.backbone = Backbone(config.backbone)
        self.head = MixtureHead(
            config.mixture,
            hidden=config.backbone.hidden,
            latent=config.codec.latent,
            exponent=config.exponent,
        )
        self.eval().requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor], *, words: SubwordTable, silence: Tensor) -> None:
        """Take ``tts_model.tts_model.*``, named without that, but for ``embed_subword.*``.

        All becomes float32 but the backbone's, which stay as they come: it may be in bfloat16.

        Args:
            weights: all on the device that the talker is to be on.
            words: the rows of all tokens, of ``embed_subword.*``.
            silence: int64 [codebooks], the codes of a silent frame.

        Raises:
            CheckpointError: naming a tensor that is missing, unexpected or of another shape.
        """
        rest = dict(weights)
        self.backbone.load(_taken(rest, BACKBONE))
        self.head.load(_taken(rest, HEAD))
        self.fusion.load(rest, words=words, silence=silence)

    @property
    def passes(self) -> int:
        """Of the head, per frame: each takes its own draws."""
        return len(schedule(self.config.codec.codebooks, self.config.exponent))

    @torch.no_grad()
    def new_state(self, rows: int, length: int, *, dtype: torch.dtype | None = None) -> TalkerState:
        """Rows that have no voice yet, of at most ``length`` positions, the prompt's included.

        ``dtype`` is that of keys and values: the backbone's unless said.
        """
        backbone = self.backbone.new_state(rows, self.fusion.streams, length, dtype=dtype)
        books = self.fusion.books
        codes = torch.full_like(backbone.position, books.entries)[:, None]
        return TalkerState(backbone=backbone, codes=codes.repeat(1, books.codebooks))

    @torch.no_grad()
    def prefill(self, state: TalkerState, row: int, voice: Voice) -> Tensor:
        """Take a voice's prompt into a fresh row; nothing is drawn.

        Returns the hidden states, float32 [streams, positions, width], which nobody needs but
        tests. Not for a CUDA graph. Raises what ``Backbone.prefill`` does.
        """
        return self.backbone.prefill(state.backbone, row, self.fusion.whole(voice.audio))

    def prepared(self, voice: Voice, *, dtype: torch.dtype | None = None) -> TalkerState:
        """One row right before the first frame, no longer than its prompt: for ``start``."""
        state = self.new_state(1, self.config.prompt_frames, dtype=dtype)
        self.prefill(state, 0, voice)
        return state

    @torch.no_grad()
    def start(self, state: TalkerState, row: int, prepared: TalkerState) -> None:
        """Give ``row`` to a new call, whatever was in it, with the voice of ``prepared``.

        ``copy_row`` for states of different length, in place, without a word to the host. What is
        past the prompt is made zero: should a call have left a NaN there, a share of nothing of it
        would still be NaN. ``prepared`` must not be longer than ``state``.
        """
        old, new = state.backbone, prepared.backbone
        count = new.length
        if count > old.length:
            raise ValueError(f"a prompt of {count} positions, in rows of {old.length}")
        for into, come in zip((*old.keys, *old.values), (*new.keys, *new.values), strict=True):
            into[row, :, :, :count].copy_(come[0])
            into[row, :, :, count:].zero_()
        old.position[row].copy_(new.position[0])
        state.codes[row].copy_(prepared.codes[0])

    @torch.no_grad()
    def step(
        self,
        state: TalkerState,
        tokens: Tensor,
        mask: Tensor,
        *,
        uniform: Tensor | None = None,
        normal: Tensor | None = None,
        span: int | None = None,
    ) -> Tensor:
        """One frame of the rows of ``mask`` (bool [rows]) that have room.

        Args:
            state: changed in place, only in those rows.
            tokens: int64 [rows], what the agent says in this frame, after all rules of turns.
            mask: which rows speak, or are silent: whoever is on a call.
            uniform: float32 [rows, passes, components] in [0, 1), for the choice of components;
                the likeliest ones if None.
            normal: float32 [rows, passes, latent], for the noise; none if None.
            span: see ``Backbone.step``.

        Returns:
            Codes int64 [rows, codebooks], each below ``entries``; of rows that did not step they
            mean nothing.
        """
        config, fusion = self.config, self.fusion
        going = state.backbone.going(mask)
        # An index of a row left out may be anything, and would be looked up all the same.
        tokens = torch.where(going, tokens, self.special.pad)
        before = state.codes
        if config.silence_on_eos:
            ended = (tokens == self.special.eos)[:, None]
            before = torch.where(ended, fusion.silence, before)
        hidden = self.backbone.step(state.backbone, fusion.frame(before, tokens), going, span=span)
        codes, _ = self.head.decode(
            hidden,
            embed=fusion.embed_code,
            books=fusion.books,
            guidance=config.guidance,
            top=config.top,
            noise=config.noise,
            uniform=uniform,
            normal=normal,
        )
        keep_(state.codes, codes, going)
        return codes


def _taken(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take those whose names begin with ``prefix`` out, and return them without it."""
    names = [name for name in weights if name.startswith(prefix)]
    return {name.removeprefix(prefix): weights.pop(name) for name in names}
