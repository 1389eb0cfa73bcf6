"""The spelling encoder against transformers' T5Gemma, whose layers it has."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import T5GemmaConfig, T5GemmaEncoderModel, T5GemmaModuleConfig

from bot.voicechat.speechconfig import SpellingConfig
from bot.voicechat.spelling import PADDING, SpellingEncoder

SIZES = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2, "head_dim": 12}
CONFIG = SpellingConfig(
    hidden=48,
    intermediate=80,
    layers=2,
    heads=4,
    head_dim=12,
    query_scalar=256.0,
    theta=10_000.0,
    softcap=50.0,
)
LENGTHS = (3, 1, 17, 8)


def drawn(seed: int = 1, *, scale: float = 0.3) -> SpellingEncoder:
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        encoder = SpellingEncoder(CONFIG, vocabulary=5)
    encoder.load(
        {
            name: torch.randn(tensor.shape, generator=generator) * scale
            if tensor.is_floating_point()
            else torch.zeros(tensor.shape, dtype=torch.int64)
            for name, tensor in encoder.state_dict().items()
        }
    )
    return encoder


def words() -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randint(0, PADDING, (length,), generator=generator) for length in LENGTHS]


def padded(several: list[Tensor]) -> Tensor:
    return pad_sequence(several, batch_first=True, padding_value=PADDING)


def theirs(encoder: SpellingEncoder, word: Tensor) -> Tensor:
    """The row of one word, by transformers' encoder with the same weights."""
    inner = T5GemmaModuleConfig(
        **SIZES, vocab_size=16, num_attention_heads=4, num_key_value_heads=4, attention_dropout=0.0
    )
    config = T5GemmaConfig(encoder=inner, is_encoder_decoder=False, attn_implementation="eager")
    model = T5GemmaEncoderModel(config).eval()
    weights = {
        name.removeprefix("backbone."): tensor
        for name, tensor in encoder.state_dict().items()
        if name.startswith("backbone.")
    }
    strange = model.load_state_dict(weights, strict=False)
    assert (strange.missing_keys, strange.unexpected_keys) == (["encoder.embed_tokens.weight"], [])
    with torch.no_grad():
        embedded = encoder.embed_tokens(word)[None]
        rows = model(inputs_embeds=embedded).last_hidden_state
        return encoder.proj_embedding(rows.mean(1))[0]


def test_it_is_transformers_encoder_where_the_cap_counts() -> None:
    encoder = drawn(scale=0.8)
    for name in ("q_proj", "k_proj"):
        for layer in encoder.backbone["encoder"]["layers"]:
            layer.self_attn.get_parameter(f"{name}.weight").mul_(3.0)
    found = encoder(padded(words()))
    for row, word in zip(found, words(), strict=True):
        torch.testing.assert_close(row, theirs(encoder, word), atol=2e-4, rtol=0)
    assert found.dtype == torch.float32
    uncapped = SpellingEncoder(replace(CONFIG, softcap=1e9), vocabulary=5)
    uncapped.load(encoder.state_dict())
    assert (uncapped(padded(words())) - found).abs().amax(1).max() > 0.05


def test_a_word_is_the_same_among_others_and_alone() -> None:
    encoder = drawn()
    together = encoder(padded(words()))
    for row, word in zip(together, words(), strict=True):
        torch.testing.assert_close(row, encoder(word[None])[0], atol=1e-5, rtol=0)


def test_what_padding_is_embedded_as_does_not_matter() -> None:
    encoder = drawn()
    expected = encoder(padded(words()))
    encoder.embed_tokens.weight[PADDING] = torch.nan
    assert torch.equal(encoder(padded(words())), expected)


def test_the_order_of_letters_matters_and_no_letter_is_deaf_to_later_ones() -> None:
    encoder, word = drawn(), words()[2]
    assert not torch.allclose(encoder(word.flip(0)[None]), encoder(word[None]), atol=1e-2)
    first = encoder.backbone["encoder"]["layers"][0]
    heard: list[Tensor] = []
    first.register_forward_hook(lambda module, given, value: heard.append(value[0, 0]))
    other = word.clone()
    other[-1] = (other[-1] + 1) % PADDING
    encoder(word[None])
    encoder(other[None])
    assert not torch.allclose(heard[0], heard[1], atol=1e-4)


def test_weights_become_float32_and_flags_stay_integers() -> None:
    encoder = SpellingEncoder(CONFIG, vocabulary=5)
    half = {
        name: tensor.bfloat16() if tensor.is_floating_point() else tensor
        for name, tensor in drawn().state_dict().items()
    }
    encoder.load(half)
    kinds = {tensor.dtype for tensor in encoder.parameters()}
    assert kinds == {torch.float32}
    assert {tensor.dtype for tensor in encoder.buffers()} == {torch.int64}


def test_it_asks_the_device_nothing() -> None:
    with torch.device("meta"):
        encoder = SpellingEncoder(CONFIG, vocabulary=5)
        assert encoder(torch.zeros(3, 7, dtype=torch.int64)).shape == (3, CONFIG.hidden)
