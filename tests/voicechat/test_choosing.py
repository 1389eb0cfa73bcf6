"""What ``DuplexLLM`` is given to choose tokens and turns: ``Sampler`` and ``TurnTaker``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.duplex import Chooser, Dictated, TurnRule
from bot.voicechat.rows import copy_row, tensors
from bot.voicechat.sampling import Sampler
from bot.voicechat.special import SpecialTokens
from bot.voicechat.turnpolicy import Rule, TurnPolicy
from bot.voicechat.turntaker import TurnTaker
from bot.voicechat.turntaking import Forced, Heard, PieceKinds

IDS = SpecialTokens()
SPECIALS = (IDS.pad, IDS.bos, IDS.eos)
VOCABULARY, LENGTH = 32, 64


class Rows:
    """The frame loop without a model: logits come from a seed and the row's own history."""

    def __init__(self, rows: int) -> None:
        self.sampler = Sampler.new(rows, vocabulary=VOCABULARY, specials=SPECIALS)
        self.turns = TurnTaker.new(rows, ids=IDS)
        self.text = torch.full((rows, LENGTH), IDS.pad)
        self.t = torch.zeros(rows, dtype=torch.int64)

    def frame(self, logits: Tensor, mask: Tensor, speech: Tensor | None = None) -> Tensor:
        choose: Chooser = self.sampler
        rule: TurnRule = self.turns
        state: Any = SimpleNamespace(text=self.text)
        text = choose(logits, state=state, t=self.t, mask=mask)
        pad = torch.full_like(text, IDS.pad)
        heard = None if speech is None else Heard(speech=speech, mid_word=torch.zeros_like(speech))
        text = rule(text, asr=pad, heard=heard, dictated=None, mask=mask)
        for row in mask.nonzero().flatten().tolist():
            self.text[row, int(self.t[row])] = text[row]
        self.t += mask
        return text


def set_up(rows: Rows, row: int, call: int) -> None:
    """Call 0 is greedy, the others draw, each with options of its own."""
    if call:
        rows.sampler.options.set_row(
            row, top_p=0.5 + 0.1 * call, temperature=0.3 * call, repetition_penalty=1 + 0.2 * call
        )
    rows.sampler.generators.seed_row(row, 1000 + call)
    policy = TurnPolicy(rule=Rule.RNNT, eou=call, eou_first=call) if call % 2 else TurnPolicy()
    rows.turns.options.set_row(row, policy)


def noise(call: int, frame: int) -> tuple[Tensor, bool]:
    generator = torch.Generator().manual_seed(100 * call + frame)
    logits = torch.randn(VOCABULARY, generator=generator) * 3
    return logits, bool(torch.rand(1, generator=generator) < 0.5)


def alone(call: int, frames: int) -> list[int]:
    rows = Rows(1)
    set_up(rows, 0, call)
    said = []
    for frame in range(frames):
        logits, speech = noise(call, frame)
        one = torch.tensor([True])
        said.append(int(rows.frame(logits[None], one, torch.tensor([speech]))))
    return said


def test_rows_that_come_and_go_say_what_they_say_alone() -> None:
    calls, frames = 5, 30
    rows = Rows(calls)
    said: list[list[int]] = [[] for _ in range(calls)]
    for call in range(calls):
        set_up(rows, call, call)
    for tick in range(2 * frames):
        mask = torch.tensor([tick >= c and len(said[c]) < frames for c in range(calls)])
        mask &= torch.tensor([(tick + c) % 3 != 0 for c in range(calls)])
        asked = [noise(call, len(said[call])) for call in range(calls)]
        speech = torch.tensor([speech for _, speech in asked])
        before = [one.clone() for one in tensors((rows.sampler, rows.turns))]
        text = rows.frame(torch.stack([logits for logits, _ in asked]), mask, speech)
        for old, new in zip(before, tensors((rows.sampler, rows.turns)), strict=True):
            assert torch.equal(old[~mask], new[~mask])
        for call in mask.nonzero().flatten().tolist():
            said[call].append(int(text[call]))
    for call in range(calls):
        assert len(said[call]) > 20
        assert said[call] == alone(call, frames)[: len(said[call])]


def test_a_fork_goes_on_as_its_original_and_a_row_starts_over() -> None:
    rows, fork = Rows(3), Rows(2)
    set_up(rows, 1, 3)
    both = torch.ones(3, dtype=torch.bool)
    for frame in range(10):
        rows.frame(noise(3, frame)[0].expand(3, -1), both)
    copy_row(rows.sampler, 1, fork.sampler, 0)
    copy_row(rows.turns, 1, fork.turns, 0)
    fork.text[0], fork.t[0] = rows.text[1], rows.t[1]
    for frame in range(10, 30):
        logits = noise(3, frame)[0]
        first = rows.frame(logits.expand(3, -1), both)
        second = fork.frame(logits.expand(2, -1), torch.tensor([True, False]))
        assert first[1] == second[0]
    copy_row(Rows(1).sampler, 0, rows.sampler, 1)
    assert not rows.sampler.seen[1].any()
    assert rows.sampler.seen[0].any()


def test_a_broken_frame_is_kept_in_mind_for_its_row() -> None:
    rows = Rows(3)
    logits = torch.zeros(3, VOCABULARY)
    logits[1:, 5] = torch.nan
    logits[1:, 7] = 1.0
    text = rows.frame(logits, torch.tensor([True, True, False]))
    assert int(text[1]) == 7
    assert rows.sampler.broken.tolist() == [False, True, False]
    rows.frame(torch.zeros(3, VOCABULARY), torch.ones(3, dtype=torch.bool))
    assert rows.sampler.broken.tolist() == [False, True, False]


@pytest.mark.parametrize(("dictated", "expected"), [(-1, IDS.bos), (IDS.pad, IDS.pad), (20, 20)])
def test_turns_are_forced_by_what_is_heard(dictated: int, expected: int) -> None:
    taker = TurnTaker.new(1, ids=IDS)
    taker.options.set_row(0, TurnPolicy(rule=Rule.RNNT, eou_first=1, min_speech_first=1))
    one, no = torch.tensor([True]), torch.tensor([False])
    pad, host = torch.tensor([IDS.pad]), Dictated.nothing(1)
    said = []
    for speech, text in ((one, -1), (no, dictated)):
        host.text[0] = text
        heard = Heard(speech=speech, mid_word=no)
        said.append(int(taker(pad, asr=pad, heard=heard, dictated=host, mask=one)))
    assert said == [IDS.pad, expected]
    assert int(taker.forced) == (Forced.CALLER_ENDED if dictated == -1 else Forced.NOT)


def test_nothing_is_read_back_within_a_step() -> None:
    """On the meta device, where there are shapes and no numbers: what runs there can be captured
    in a CUDA graph, as it neither asks for a value nor for a shape that depends on one."""
    with torch.device("meta"):
        sampler = Sampler.new(4, vocabulary=VOCABULARY, specials=SPECIALS)
        taker = TurnTaker.new(4, ids=IDS)
        mask = torch.ones(4, dtype=torch.bool)
        history = torch.zeros(4, LENGTH, dtype=torch.int64)
        t = torch.zeros(4, dtype=torch.int64)
        symbols = torch.zeros(4, 10, dtype=torch.int64)
        kinds = PieceKinds.of(["▁a", "b"])
        host = Dictated.nothing(4)
        logits = torch.zeros(4, VOCABULARY)
    state: Any = SimpleNamespace(text=history)
    text = sampler(logits, state=state, t=t, mask=mask)
    text = taker(text, asr=text, heard=Heard.of(symbols, kinds), dictated=host, mask=mask)
    assert text.shape == (4,)
    assert text.dtype == torch.int64
    assert text.device.type == "meta"
