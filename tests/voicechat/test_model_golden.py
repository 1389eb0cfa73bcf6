"""From a folder and sound to tokens, by the public path, against what NeMo recorded."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bot.voicechat.build import load
from bot.voicechat.mel import packets
from bot.voicechat.model import CallOptions
from bot.voicechat.turnpolicy import TurnPolicy

LIMIT = 2e-4


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, atol=LIMIT, rtol=0)


def test_sound_to_tokens_golden(case: Any) -> None:
    """Frame by frame, the recording's last samples flushed; every token exact."""
    model, stt = load(case.folder, speak=False), case.golden("stt")
    prompt = tuple(stt["prompt_tokens"][0].tolist()) if "prompt_tokens" in stt else ()
    turns = TurnPolicy.of_checkpoint(model.config.thinker.forced_turns, spare_bos=False)
    state = model.new_state(1, stt["gen_text_full"].shape[1])
    model.start(state, 0, CallOptions(prompt=prompt, turns=turns))
    steps = [
        model.step(state, pcm[None], torch.tensor([True]), samples=samples[None])
        for pcm, samples in zip(*packets(case.golden("audio")["user_16k"][0]), strict=True)
    ]
    part = slice(len(prompt), len(prompt) + len(steps))
    assert len(steps) == int(case.golden("perception")["enc_len"])
    close(
        torch.stack([s.encoded[0] for s in steps]),
        case.golden("perception")["enc"][0, : len(steps)],
    )
    close(torch.stack([s.frame.embeds[0] for s in steps]), stt["input_embeds"][0, part])
    close(torch.stack([s.frame.hidden[0] for s in steps]), stt["llm_hidden"][0, part])
    close(torch.stack([s.frame.logits.text[0] for s in steps]), stt["text_logits"][0, part])
    assert [int(s.frame.text) for s in steps] == stt["gen_text_full"][0, part].tolist()
    if model.config.thinker.asr_head:
        assert [int(s.frame.asr) for s in steps] == stt["gen_asr_full"][0, part].tolist()


def test_the_recorded_prompt_is_what_its_text_gives_golden(case: Any) -> None:
    model, stt = load(case.folder, speak=False), case.golden("stt")
    text = case.meta["prompt"]
    want = stt["prompt_tokens"][0].tolist() if text else []
    assert list(model.prompt_ids(text or "")) == want
