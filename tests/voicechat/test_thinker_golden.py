"""The thinker against what NeMo recorded: fused input, hidden states, logits, states of layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import NemotronHConfig

from bot.voicechat.hybridcache import AttentionState, MambaState, ThinkerState
from bot.voicechat.rows import tensors
from bot.voicechat.thinker import PARTS, Thinker

LIMIT = 2e-4


def thinker_of(case: Any) -> Thinker:
    config = case.config.thinker
    with torch.device("meta"):
        thinker = Thinker(config, NemotronHConfig.from_pretrained(case.folder / config.llm))
    weights = case.section("stt_model.")
    thinker.load({name: weights[name] for name in weights if name.startswith(PARTS)})
    return thinker


def prompt_of(stt: dict[str, Tensor]) -> list[int]:
    return list(stt["prompt_tokens"][0].tolist()) if "prompt_tokens" in stt else []


def close(got: Tensor, want: Tensor, limit: float = LIMIT) -> None:
    torch.testing.assert_close(got, want, atol=limit, rtol=0)


def stepped(thinker: Thinker, state: ThinkerState, embeds: Tensor) -> Tensor:
    """Hidden states of ``embeds`` [positions, width], one position at a time, in row 0."""
    mask = torch.ones(1, dtype=torch.bool)
    return torch.cat([thinker.step(state, one[None], mask) for one in embeds])


def test_prompt_positions_golden(case: Any) -> None:
    thinker, stt = thinker_of(case), case.golden("stt")
    prompt = prompt_of(stt)
    close(thinker.prompt_embedding(prompt), stt["input_embeds"][0, : len(prompt)])


def test_hidden_states_and_logits_golden(case: Any) -> None:
    thinker, stt = thinker_of(case), case.golden("stt")
    prompt, embeds = prompt_of(stt), stt["input_embeds"][0]
    state = thinker.new_state(1, len(embeds))
    thinker.prefill(state, 0, prompt)
    hidden = stepped(thinker, state, embeds[len(prompt) :])
    close(hidden, stt["llm_hidden"][0, len(prompt) :])
    logits = thinker.logits(hidden)
    close(logits.text, stt["text_logits"][0, len(prompt) :])
    if case.config.thinker.asr_head:
        assert logits.asr is not None
        close(logits.asr, stt["asr_logits"][0, len(prompt) :])


def test_states_of_layers_golden(case: Any) -> None:
    thinker, stt = thinker_of(case), case.golden("stt")
    prompt, embeds = prompt_of(stt), stt["input_embeds"][0]
    state = thinker.new_state(1, len(embeds) + 5)
    thinker.prefill(state, 0, prompt)
    stepped(thinker, state, embeds[len(prompt) :])
    kinds = set()
    for index, kept in enumerate(state.layers):
        kinds.add(type(kept))
        if isinstance(kept, MambaState):
            close(kept.conv, stt[f"cache.{index}.conv"])
            close(kept.ssm, stt[f"cache.{index}.ssm"])
        if isinstance(kept, AttentionState):
            close(kept.keys[:, :, : len(embeds)], stt[f"cache.{index}.k"])
            close(kept.values[:, :, : len(embeds)], stt[f"cache.{index}.v"])
    assert kinds == {MambaState, AttentionState, type(None)}
    assert state.position.tolist() == [len(embeds)]


def test_steps_equal_one_pass_of_transformers_golden(case: Any) -> None:
    """Without any cache, and without the prompt's pass: 1e-4."""
    thinker, stt = thinker_of(case), case.golden("stt")
    embeds = stt["input_embeds"]
    with torch.no_grad():
        whole = thinker.llm(inputs_embeds=embeds, use_cache=False).last_hidden_state[0]
    got = stepped(thinker, thinker.new_state(1, embeds.shape[1]), embeds[0])
    close(got, whole, 1e-4)


def test_runs_in_bfloat16_golden(case: Any) -> None:
    """Near the float32 logits for the same input; what decays stays float32, weights included."""
    thinker, stt, dtype = thinker_of(case), case.golden("stt"), torch.bfloat16
    for name, parameter in thinker.named_parameters():
        if not name.endswith(("A_log", "dt_bias", "mixer.D")):
            parameter.data = parameter.data.to(dtype)
    embeds = stt["input_embeds"][0]
    state = thinker.new_state(1, len(embeds))
    logits = thinker.logits(stepped(thinker, state, embeds))
    assert {tensor.dtype for tensor in tensors(state)} == {torch.int64, torch.float32, dtype}
    assert logits.text.dtype == torch.float32
    assert (logits.text - stt["text_logits"][0]).abs().mean() < 0.1
    prompted = thinker.new_state(1, 9)
    thinker.prefill(prompted, 0, [1, 30, 31, 32, 33, 2])
    hidden = stepped(thinker, prompted, embeds[:1])
    assert hidden.dtype == dtype
    assert hidden.isfinite().all()
