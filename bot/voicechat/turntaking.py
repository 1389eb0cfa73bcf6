"""Turn-taking: a policy laid over the token that the model chose. No loops, nothing read back.

The model begins (BOS) and ends (EOS) its turns by itself. What a policy adds is a BOS when the
caller has ended and the agent does not answer, and an EOS when the caller speaks and the agent
does not stop. What the two rules ask for is in NeMo: ``force_turn_taking`` (release 3.0.0 and
main) and ``turn_taking_source: rnnt`` (branch nemotron-labs-voicechat).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum

import torch
from torch import Tensor

from bot.voicechat.rows import keep_, tensors
from bot.voicechat.special import SpecialTokens, among
from bot.voicechat.text import UNKNOWN, WORD_START
from bot.voicechat.turnpolicy import NEVER, Rule, TurnOptions

_NOTHING = -1  # no token


class Forced(IntEnum):
    """Why a token was overwritten."""

    NOT = 0
    CALLER_ENDED = 1
    CALLER_BEGAN = 2
    TOO_LONG = 3


@dataclass(frozen=True, slots=True)
class PieceKinds:
    """Of the RNN-T's pieces, blank last: ``[pieces + 1]`` bool each."""

    known: Tensor
    """Speech: neither the blank nor the unknown piece."""
    continues: Tensor
    """Goes on within a word. Punctuation does not: it ends one."""

    @classmethod
    def of(cls, pieces: Sequence[str], *, device: torch.device | str | None = None) -> PieceKinds:
        """``pieces`` without the blank, a leading ``▁`` where a word starts."""
        known = [piece.lstrip(WORD_START) not in UNKNOWN for piece in pieces]
        inner = [p[:1] != WORD_START and any(letter.isalnum() for letter in p) for p in pieces]
        return cls(
            known=torch.tensor([*known, False], device=device),
            continues=torch.tensor([*inner, False], device=device),
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one frame, ``[rows]`` bool each: pieces came; the last of them goes on within a word."""

    speech: Tensor
    mid_word: Tensor

    @classmethod
    def of(cls, symbols: Tensor, kinds: PieceKinds) -> Heard:
        """``symbols`` ``[rows, n]`` int64, the frame's pieces, filled up with blanks or -1."""
        blank = kinds.known.shape[0] - 1
        symbols = torch.where(symbols < 0, blank, symbols)
        known = kinds.known[symbols]
        places = torch.arange(symbols.shape[1], device=symbols.device)
        last = torch.where(known, places, 0).amax(-1, keepdim=True)
        speech = known.any(-1)
        inside = kinds.continues[symbols.gather(-1, last).squeeze(-1)]
        return cls(speech=speech, mid_word=speech & inside)


@dataclass(frozen=True, slots=True)
class TurnState:
    """Before a frame, ``[rows]`` each, int64 or bool. Counts instead of histories of tokens."""

    frame: Tensor
    """Its number, the prompt's positions counted."""
    since_bos: Tensor
    """Frames since the agent's last BOS, 1 right after it."""
    since_eos: Tensor
    asr_pads: Tensor
    """PADs of the ASR head up to now, the prompt's counted; before them came ``asr_before``."""
    asr_before: Tensor
    talking: Tensor
    """Frames of the agent's turn so far; 0 between turns."""
    unanswered: Tensor
    """The agent has not spoken yet."""
    blanks: Tensor
    """Frames since the caller's last piece."""
    run: Tensor
    """Frames with pieces up to now, without a gap."""
    total: Tensor
    """The same with gaps, since the last turn of either."""
    confirmed: Tensor
    """These were enough for a turn of the caller's."""
    mid_word: Tensor
    """The caller's last piece goes on within a word."""

    @classmethod
    def new(cls, rows: int, *, device: torch.device | str | None = None) -> TurnState:
        """Before the first frame of a call without a prompt."""
        start = {"since_bos": NEVER, "since_eos": NEVER, "asr_before": _NOTHING}
        flags = {"unanswered": True, "confirmed": False, "mid_word": False}
        values = {one.name: start.get(one.name, flags.get(one.name, 0)) for one in fields(cls)}
        return cls(**{name: torch.full((rows,), v, device=device) for name, v in values.items()})

    @torch.no_grad()
    def start_row(self, row: int, *, prompt: int) -> None:
        """Make a fresh row one behind a prompt of so many positions. Not for inside a step."""
        self.frame[row] = prompt
        self.asr_pads[row] = prompt


@dataclass(frozen=True, slots=True)
class Turns:
    """``text`` ``[rows]`` int64 is what the agent goes on with; ``forced`` ``[rows]``: why."""

    text: Tensor
    forced: Tensor


@torch.no_grad()
def take_turns(
    text: Tensor,
    *,
    state: TurnState,
    options: TurnOptions,
    ids: SpecialTokens,
    mask: Tensor,
    asr: Tensor | None = None,
    heard: Heard | None = None,
    dictated: Tensor | None = None,
) -> Turns:
    """One frame: what becomes of ``text`` ``[rows]``; ``state`` steps on in the rows of ``mask``.

    ``asr`` ``[rows]`` are this frame's tokens of the ASR head, ``heard`` what the RNN-T made of
    it; without them their rule forces nothing, but that a turn is too long needs no ears. A row
    that is ``dictated`` its text (``[rows]`` int64, -1 for none) says that, whatever the model or
    the policy wants.
    """
    asr = torch.full_like(text, ids.pad) if asr is None else asr
    now = state if heard is None else _listened(state, options=options, heard=heard)
    forced = decide(now, options=options, asr=asr, ids=ids)
    bound = torch.zeros_like(mask) if dictated is None else dictated >= 0
    forced = torch.where(bound, Forced.NOT, forced)
    starts = forced == Forced.CALLER_ENDED
    stops = (forced == Forced.CALLER_BEGAN) | (forced == Forced.TOO_LONG)
    said = torch.where(starts, ids.bos, torch.where(stops, ids.eos, text))
    said = said if dictated is None else torch.where(bound, dictated, said)
    after = _spoken(now, text=said, asr=asr, ids=ids)
    for old, new in zip(tensors(state), tensors(after), strict=True):
        keep_(old, new, mask)
    return Turns(text=said, forced=torch.where(said == text, Forced.NOT, forced))


@torch.no_grad()
def decide(state: TurnState, *, options: TurnOptions, asr: Tensor, ids: SpecialTokens) -> Tensor:
    """``[rows]`` int64, ``Forced``: what each row's rule wants. Changes nothing."""
    by_asr = _by_asr_head(state, options=options, asr=asr, ids=ids)
    by_rnnt = _by_rnnt(state, options=options)
    forced = torch.where(options.rule == Rule.ASR_HEAD, by_asr, Forced.NOT)
    return torch.where(options.rule == Rule.RNNT, by_rnnt, forced)


def _forced(*, ended: Tensor, began: Tensor, too_long: Tensor | None = None) -> Tensor:
    """The first that holds."""
    forced = ended.to(torch.int64) * Forced.CALLER_ENDED
    if too_long is not None:
        forced = torch.where((forced == 0) & too_long, Forced.TOO_LONG, forced)
    return torch.where((forced == 0) & began, Forced.CALLER_BEGAN, forced)


def _by_asr_head(
    state: TurnState, *, options: TurnOptions, asr: Tensor, ids: SpecialTokens
) -> Tensor:
    """``force_turn_taking``. A run of exactly ``pad_window`` PADs means: a token came before it.

    That the end of a turn is in its cooldown does not make the frame a beginning. A window of 0
    is never full, as in NeMo: then only the head's own tokens count.
    """
    window = options.pad_window
    old_enough = state.frame >= window.clamp(min=1)
    spared = options.spare_bos & among(state.asr_before, ids.caller_begins)
    quiet = (window > 0) & (state.asr_pads == window) & (state.asr_before != _NOTHING) & ~spared
    ended = old_enough & (among(asr, ids.caller_ends) | quiet)
    began = old_enough & ~ended & among(asr, ids.caller_begins)
    return _forced(
        ended=ended & (state.since_bos > options.cooldown),
        began=began & (state.since_eos > options.cooldown),
    )


def _by_rnnt(state: TurnState, *, options: TurnOptions) -> Tensor:
    """``turn_taking_source: rnnt``, on a state that has listened to the frame."""
    agent = state.talking > 0
    patience = torch.where(state.unanswered, options.eou_first, options.eou)
    longer = torch.maximum(patience, options.eou_mid_word)
    patience = torch.where(state.mid_word, longer, patience)
    ended = state.confirmed & (state.blanks >= patience) & (state.since_bos > options.cooldown)
    began = (state.run >= options.bou) & (state.since_eos > options.cooldown)
    too_long = (options.longest > 0) & (state.talking >= options.longest)
    return _forced(ended=~agent & ended, too_long=agent & too_long, began=agent & began)


def _listened(state: TurnState, *, options: TurnOptions, heard: Heard) -> TurnState:
    """The state with the caller's side of the frame in it."""
    speech = heard.speech
    blanks = torch.where(speech, 0, state.blanks + 1)
    run = torch.where(speech, state.run + 1, 0)
    total = state.total + speech
    enough = torch.where(state.unanswered, options.min_speech_first, options.min_speech)
    confirmed = state.confirmed | (speech & ((run >= enough) | (total >= enough)))
    noise = ~confirmed & (blanks >= options.forget)
    return replace(
        state,
        blanks=blanks,
        run=run,
        total=torch.where(noise, 0, total),
        confirmed=confirmed,
        mid_word=torch.where(speech, heard.mid_word, state.mid_word),
    )


def _spoken(state: TurnState, *, text: Tensor, asr: Tensor, ids: SpecialTokens) -> TurnState:
    """The state with the agent's side of the frame in it, and with the ASR head's token.

    At either end of the agent's turn what the caller said before is answered or past.
    """
    bos, eos = text == ids.bos, text == ids.eos
    pad = asr == ids.pad
    return replace(
        state,
        frame=state.frame + 1,
        since_bos=torch.where(bos, 1, state.since_bos + 1),
        since_eos=torch.where(eos, 1, state.since_eos + 1),
        asr_pads=torch.where(pad, state.asr_pads + 1, 0),
        asr_before=torch.where(pad, state.asr_before, asr),
        talking=torch.where(eos, 0, state.talking + (bos | (state.talking > 0))),
        unanswered=state.unanswered & ~bos,
        total=torch.where(bos | eos, 0, state.total),
        confirmed=state.confirmed & ~(bos | eos),
    )
