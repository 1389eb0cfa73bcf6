"""The talker against what NeMo recorded: its prompt, fused input, hidden states and codes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.gemma import Backbone
from bot.voicechat.gemmacache import BackboneState
from bot.voicechat.talker import Talker
from tests.voicechat.talking import LIMIT, talker_of, voice_of

KINDS: dict[str, dict[str, Any]] = {"greedy": {"guidance": 0.0}, "greedy_cfg": {}, "sampled": {}}
"""By what a recording is called, what of the configuration was overridden."""


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, atol=LIMIT, rtol=0)


class Recorder:
    """A backbone that keeps what it reads and says; [streams, frames, width] of row 0."""

    def __init__(self, backbone: Backbone) -> None:
        self._step = backbone.step
        self._read: list[Tensor] = []
        self._said: list[Tensor] = []

    def step(
        self, state: BackboneState, x: Tensor, mask: Tensor, *, span: int | None = None
    ) -> Tensor:
        hidden = self._step(state, x, mask, span=span)
        self._read.append(x[0])
        self._said.append(hidden[0])
        return hidden

    @property
    def read(self) -> Tensor:
        return torch.stack(self._read, 1)

    @property
    def said(self) -> Tensor:
        return torch.stack(self._said, 1)


def spoken(case: Any, talker: Talker, *, kind: str, span: int | None = None) -> Tensor:
    """Codes [frames, codebooks] of the recorded tokens, with the recorded draws."""
    golden, codes = case.golden("eartts"), []
    frames = golden[f"{kind}.codes"].shape[1]
    state = talker.new_state(1, talker.config.prompt_frames + frames)
    talker.prefill(state, 0, voice_of(case, talker.fusion))
    for frame in range(frames):
        drawn: dict[str, Tensor] = {}
        if kind == "sampled":
            drawn["uniform"] = golden["sampled.u"][frame].transpose(0, 1)
            drawn["normal"] = golden["sampled.n"][frame].transpose(0, 1)
        token = golden["subword_ids"][:, frame]
        codes.append(talker.step(state, token, torch.ones(1, dtype=torch.bool), span=span, **drawn))
    return torch.cat(codes)


@pytest.mark.parametrize("kind", ["greedy", "greedy_cfg"])
def test_prompt_golden(case: Any, kind: str) -> None:
    talker, golden = talker_of(case, **KINDS[kind]), case.golden("eartts")
    voice = voice_of(case, talker.fusion)
    close(talker.fusion.whole(voice.audio), golden[f"{kind}.warmup_embeds"])
    state = talker.new_state(1, talker.config.prompt_frames)
    close(talker.prefill(state, 0, voice), golden[f"{kind}.warmup_hidden"])


@pytest.mark.parametrize("kind", KINDS)
def test_frames_golden(case: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    talker, golden = talker_of(case, **KINDS[kind]), case.golden("eartts")
    recorder = Recorder(talker.backbone)
    monkeypatch.setattr(talker.backbone, "step", recorder.step)
    codes = spoken(case, talker, kind=kind)
    assert recorder.read.shape[0] == (1 if kind == "greedy" else 2)
    if kind != "sampled":
        close(recorder.read, golden[f"{kind}.inputs_embeds"])
    close(recorder.said, golden[f"{kind}.hidden"])
    assert torch.equal(codes, golden[f"{kind}.codes"][0].long())


def test_the_recording_is_longer_than_the_window_and_says_eos_golden(case: Any) -> None:
    config, golden = case.config.speech, case.golden("eartts")
    tokens = golden["subword_ids"]
    assert config.prompt_frames + tokens.shape[1] > config.backbone.window
    assert (tokens == 2).any()
    assert {*config.backbone.full} == {True, False}


def test_a_checkpoint_in_one_projection_is_the_same_mouth_golden(case: Any) -> None:
    """The fold: one matrix for what the reference does in steps."""
    fusion = talker_of(case).fusion
    codes = case.golden("eartts")["greedy.codes"][0].long()
    tokens = case.golden("eartts")["subword_ids"][0]
    text = case.golden("eartts")["embed_subword.all_vocab"][0][tokens]
    texts = torch.stack([text, fusion.null_emb.expand_as(text)])
    stepwise = fusion.gated_fusion_audio_text(fusion.embed(codes), texts)
    torch.testing.assert_close(fusion.frame(codes, tokens).transpose(0, 1), stepwise)
