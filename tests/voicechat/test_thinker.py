"""The thinker on toy weights: prompts, masks, names, sums; and its real sizes without memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import NemotronHConfig

from bot.voicechat.config import Boosts, ThinkerConfig
from bot.voicechat.duplex import Dictated, DuplexLLM
from bot.voicechat.errors import CheckpointError
from bot.voicechat.hybridcache import ContextFull, MambaState, ThinkerState
from bot.voicechat.rows import nbytes, tensors
from bot.voicechat.special import SpecialTokens
from bot.voicechat.thinker import Thinker

TOY: dict[str, Any] = {
    "vocab_size": 40, "hidden_size": 24, "hybrid_override_pattern": "M-*M", "chunk_size": 4,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 6, "intermediate_size": 32,
    "ssm_state_size": 8, "mamba_num_heads": 4, "mamba_head_dim": 6, "n_groups": 2,
    "num_hidden_layers": 4,
}  # fmt: skip
NANO_9B: dict[str, Any] = {
    "vocab_size": 131072, "hidden_size": 4480, "num_hidden_layers": 56, "chunk_size": 128,
    "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
    "num_attention_heads": 40, "num_key_value_heads": 8, "head_dim": 128,
    "intermediate_size": 15680, "ssm_state_size": 128, "mamba_num_heads": 128,
    "mamba_head_dim": 80, "n_groups": 8,
}  # fmt: skip
CONFIG = ThinkerConfig(llm="toy", hidden=24, asr_head=True, function_head=True)
PROMPT = [1, 30, 31, 32, 33, 34, 35, 36, 37, 2]


def empty(config: ThinkerConfig = CONFIG, llm: dict[str, Any] = TOY) -> Thinker:
    """On the meta device: sizes without memory."""
    with torch.device("meta"):
        return Thinker(config, NemotronHConfig(**llm))


def random_weights(thinker: Thinker, *, dt_bias: float = -1.0) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(7)
    weights = {}
    for name, tensor in thinker.state_dict().items():
        weights[name] = torch.randn(tensor.shape, generator=draw) * tensor.shape[-1] ** -0.5
        if name.endswith(("norm.weight", "norm_f.weight", "mixer.D")):
            weights[name] = torch.ones(tensor.shape)
        if name.endswith("A_log"):
            weights[name] = torch.linspace(0, 1.4, len(tensor))
        if name.endswith("dt_bias"):
            weights[name] = torch.full(tensor.shape, dt_bias)
        if name.startswith("embed"):
            weights[name] = torch.randn(tensor.shape, generator=draw)
    return weights


def toy(config: ThinkerConfig = CONFIG, *, dt_bias: float = -1.0) -> Thinker:
    thinker = empty(config)
    thinker.load(random_weights(thinker, dt_bias=dt_bias))
    return thinker


def stepped(thinker: Thinker, prompt: list[int], *, length: int = 32) -> ThinkerState:
    """A state whose row 0 took the prompt one position at a time."""
    state: ThinkerState = thinker.new_state(1, length)
    on = torch.ones(1, dtype=torch.bool)
    for one in thinker.prompt_embedding(prompt):
        thinker.step(state, one[None], on)
    return state


def worst(one: ThinkerState, other: ThinkerState) -> float:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return max(float((a.float() - b.float()).abs().max()) for a, b in pairs)


def prefilled(thinker: Thinker, prompt: list[int], *, length: int = 32) -> ThinkerState:
    state: ThinkerState = thinker.new_state(1, length)
    thinker.prefill(state, 0, prompt)
    return state


def tables(thinker: Thinker) -> tuple[Tensor, Tensor]:
    """Float32 embeddings of the text and of the ASR channel."""
    assert thinker.embed_asr_tokens is not None
    return thinker.embed_tokens.weight.float(), thinker.embed_asr_tokens.weight.float()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 8, 9, 10])
def test_prompt_in_one_pass_equals_its_positions_one_by_one(count: int) -> None:
    thinker, prompt = toy(), PROMPT[:count]
    assert worst(prefilled(thinker, prompt), stepped(thinker, prompt)) < 2e-5


def test_prompt_agrees_where_dt_is_below_what_transformers_clamps_at() -> None:
    thinker = toy(dt_bias=-12.0)
    assert worst(prefilled(thinker, PROMPT), stepped(thinker, PROMPT)) < 2e-5


def test_prompt_would_not_agree_with_the_clamp_of_transformers() -> None:
    """That the test above can fail: the limit as transformers sets it."""
    thinker = toy(dt_bias=-12.0)
    for layer in thinker.llm.layers:
        if hasattr(layer.mixer, "time_step_limit"):
            assert layer.mixer.time_step_limit == (0.0, math.inf)
            layer.mixer.time_step_limit = (thinker.llm.config.time_step_min, math.inf)
    assert worst(prefilled(thinker, PROMPT), stepped(thinker, PROMPT)) > 2e-4


def test_prompt_goes_to_its_row_only() -> None:
    thinker = toy()
    state = thinker.new_state(3, 16)
    before = [tensor.clone() for tensor in tensors(state)]
    thinker.prefill(state, 1, PROMPT)
    assert state.position.tolist() == [0, len(PROMPT), 0]
    for old, new in zip(before, tensors(state), strict=True):
        assert torch.equal(old[[0, 2]], new[[0, 2]])


def test_prompt_longer_than_the_row_is_one_clear_error() -> None:
    thinker = toy()
    state = thinker.new_state(2, 9)
    with pytest.raises(ContextFull) as caught:
        thinker.prefill(state, 1, PROMPT)
    assert str(caught.value) == (
        "row 1: no room for 10 positions, 0 of 9 are used;"
        " start it afresh, or make the state longer"
    )
    assert (caught.value.row, caught.value.wanted, caught.value.length) == (1, 10, 9)
    assert not any(tensor.any() for tensor in tensors(state))


def test_prompt_needs_a_fresh_row() -> None:
    thinker = toy()
    state = prefilled(thinker, PROMPT[:3])
    with pytest.raises(ValueError, match="row 0: a prompt is for a fresh row, 3 positions"):
        thinker.prefill(state, 0, PROMPT[:3])


def test_row_out_of_the_mask_keeps_every_bit_of_what_floats_can_hold() -> None:
    """Negative zero, subnormal numbers and NaN too, whatever garbage is fed to it."""
    thinker = toy()
    state = thinker.new_state(2, 4)
    odd = torch.tensor([-0.0, 0.0, 1e-45, -1e-45, float("nan"), float("inf"), -3.5, 1e38])
    for kept in state.layers:
        if isinstance(kept, MambaState):
            kept.ssm[1] = odd.repeat(kept.ssm[1].numel() // 8).view_as(kept.ssm[1])
            kept.conv[1] = odd[:4]
    before = [tensor[1].clone().view(torch.uint8) for tensor in list(tensors(state))[1:]]
    embeds = torch.full((2, 24), float("nan"))
    embeds[0] = 0.5
    hidden = thinker.step(state, embeds, torch.tensor([True, False]))
    assert hidden[0].isfinite().all()
    after = [tensor[1].clone().view(torch.uint8) for tensor in list(tensors(state))[1:]]
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert state.position.tolist() == [1, 0]


def test_input_is_the_weighted_sum_of_four_channels() -> None:
    weighted = replace(
        CONFIG, user_weight=0.5, text_weight=2.0, asr_weight=3.0, function_weight=4.0
    )
    thinker, audio = toy(weighted), torch.randn(2, 24, generator=torch.Generator().manual_seed(1))
    text, asr, function = torch.tensor([1, 5]), torch.tensor([6, 7]), torch.tensor([8, 9])
    table, heard = tables(thinker)
    want = audio * 0.5 + table[text] * 2 + heard[asr] * 3 + table[function] * 4
    got = thinker.build_input_embedding(audio, text=text, asr=asr, function=function)
    torch.testing.assert_close(got, want)


def test_input_without_the_other_heads_is_sound_and_text() -> None:
    thinker, audio = toy(replace(CONFIG, asr_head=False, function_head=False)), torch.ones(1, 24)
    got = thinker.build_input_embedding(audio, text=torch.tensor([12]))
    assert torch.equal(got, audio + thinker.embed_tokens.weight[12])


def test_half_precision_rounds_the_sum_once() -> None:
    thinker = toy()
    thinker.to(torch.bfloat16)
    audio = torch.randn(50, 24, generator=torch.Generator().manual_seed(2))
    tokens = torch.arange(30)[torch.arange(50) % 30]
    table, heard = tables(thinker)
    want = (audio + table[tokens] + heard[tokens] + table[tokens]).bfloat16()
    got = thinker.build_input_embedding(audio, text=tokens, asr=tokens, function=tokens)
    assert torch.equal(got, want)


def test_boosts_are_added_to_their_own_head_only() -> None:
    boosted = replace(
        CONFIG, text_boosts=Boosts(pad=1.0, bos=2.0, eos=3.0), asr_boosts=Boosts(pad=-4.0)
    )
    hidden = torch.randn(2, 24, generator=torch.Generator().manual_seed(3))
    plain, more = toy().logits(hidden), toy(boosted).logits(hidden)
    assert plain.asr is not None
    assert more.asr is not None
    assert plain.function is not None
    assert more.function is not None
    want = torch.zeros(2, 40)
    want[:, [12, 1, 2]] = torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(more.text - plain.text, want)
    want = torch.zeros(2, 40)
    want[:, 12] = -4.0
    torch.testing.assert_close(more.asr - plain.asr, want)
    assert torch.equal(more.function, plain.function)


def test_boosts_follow_the_tokenizers_ids() -> None:
    config = replace(CONFIG, text_boosts=Boosts(pad=9.0))
    with torch.device("meta"):
        thinker = Thinker(config, NemotronHConfig(**TOY), special=SpecialTokens(pad=3))
    thinker.load(random_weights(thinker))
    hidden = torch.zeros(1, 24)
    assert int(thinker.logits(hidden).text.argmax()) == 3


def test_weights_are_taken_over_without_a_copy() -> None:
    thinker = empty()
    weights = random_weights(thinker)
    thinker.load(weights)
    assert thinker.lm_head.weight.data_ptr() == weights["lm_head.weight"].data_ptr()
    assert not any(parameter.requires_grad for parameter in thinker.parameters())
    assert set(thinker.state_dict()) == set(weights)


def test_older_names_load_too() -> None:
    thinker = empty()
    weights = random_weights(thinker)
    older = {name.replace("llm.", "llm.backbone.", 1): weights[name] for name in weights}
    thinker.load(older)
    assert torch.equal(thinker.llm.norm_f.weight, weights["llm.norm_f.weight"])


def spoilt(weights: dict[str, Tensor], how: str) -> dict[str, Tensor]:
    match how:
        case "missing":
            del weights["llm.layers.2.mixer.q_proj.weight"]
        case "unexpected":
            weights["llm.layers.9.norm.weight"] = torch.ones(24)
        case "shape":
            weights["asr_head.weight"] = torch.ones(41, 24)
    return weights


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("missing", "stt_model.llm.layers.2.mixer.q_proj.weight: missing"),
        ("unexpected", "stt_model.llm.layers.9.norm.weight: no such tensor in a Thinker"),
        ("shape", "stt_model.asr_head.weight: of shape [41, 24], where"),
    ],
)
def test_wrong_weights_name_the_tensor(how: str, line: str) -> None:
    thinker = empty()
    with pytest.raises(CheckpointError) as caught:
        thinker.load(spoilt(random_weights(thinker), how))
    assert str(caught.value).startswith(line)


def test_width_that_is_not_the_language_models_names_the_key() -> None:
    with pytest.raises(CheckpointError, match=r"config\.json: perception\.output_dim: 32, but"):
        empty(replace(CONFIG, hidden=32))


def test_config_of_the_language_model_is_left_alone() -> None:
    config = NemotronHConfig(**TOY)
    before = config.to_dict()
    with torch.device("meta"):
        Thinker(CONFIG, config)
    assert config.to_dict() == before


def test_public_models_size_and_a_step_that_never_looks_at_values() -> None:
    """On the meta device whatever depends on a tensor's values raises: so would a CUDA graph."""
    config = ThinkerConfig(llm="nano", hidden=4480, asr_head=False, function_head=True)
    duplex = DuplexLLM(empty(config, NANO_9B))
    sizes = {name: one.numel() for name, one in duplex.thinker.named_parameters()}
    assert len([name for name in sizes if name.startswith("llm.")]) == 339
    heads = 3 * 131072 * 4480  # the table, the text head, the function head
    assert sum(sizes.values()) == 7_713_822_208 + heads
    rows = 4
    state = duplex.new_state(rows, 1500)
    ssm = sum(kept.ssm.nbytes for kept in state.thinker.layers if isinstance(kept, MambaState))
    assert ssm == rows * 141_557_760
    assert nbytes(state) < rows * 200e6
    mask = torch.ones(rows, dtype=torch.bool, device="meta")
    dictated = Dictated.nothing(rows, device="meta")
    frame = duplex.step(state, torch.zeros(rows, 4480, device="meta"), mask, dictated=dictated)
    assert frame.logits.text.shape == (rows, 131072)
    assert frame.text.shape == (rows,)
