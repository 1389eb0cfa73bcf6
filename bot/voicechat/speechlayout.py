"""The tensors of the speaking half: names and shapes of all ``tts_model.*``, from its config.

Names are those of NeMo's ``DuplexEARTTS``: the talker (``RVQEARTTSModel``, whose backbone is a
Gemma 3 and whose speller is a T5Gemma encoder), the codec (``RVQVAEModel``), and loose ones. The
released 11B has 635 of them: 418, 214, and 3 with its one voice.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.voicechat.errors import CheckpointError
from bot.voicechat.layout import TALKER, Named, Shape, linear, under
from bot.voicechat.speechconfig import CodecConfig, MixtureConfig, SpeechConfig, SpellingConfig

TTS = f"{TALKER}tts_model."
CODEC = f"{TALKER}audio_codec."
VOICES = f"{TALKER}audio_prompt_latents."
"""What follows is a registered speaker's name."""
CONTROL = f"{TALKER}_control_codes"
SILENCE = f"{TALKER}codec_silence_tokens"

LETTERS = 256
"""Single characters in the vocabulary of a byte-level tokenizer."""

SPELLING_NORMS = (
    "pre_self_attn_layernorm",
    "post_self_attn_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
)
BACKBONE_NORMS = (
    "input_layernorm",
    "post_attention_layernorm",
    "pre_feedforward_layernorm",
    "post_feedforward_layernorm",
)


def layout(speech: SpeechConfig, *, vocabulary: int) -> dict[str, Shape]:
    """Name to shape of what must be there; ``vocabulary`` counts the agent's text tokens.

    Raises ``CheckpointError`` where a text embedding does not fit what it is added to.
    """
    width = speech.backbone.hidden
    if speech.spelling.hidden != width:
        key = "model.speech_generation.model.tts_config.cas_config.backbone_config.encoder"
        what = f"{speech.spelling.hidden}, but the talker's backbone has {width}"
        raise CheckpointError(where=f"config.json: {key}.hidden_size", what=what)
    found = dict(under(TTS, _talker(speech, vocabulary=vocabulary)))
    found.update(under(CODEC, _codec(speech.codec)))
    found[CONTROL] = (3,)
    return found


def optional(speech: SpeechConfig, names: Iterable[str]) -> dict[str, Shape]:
    """Of ``names``, what may be there: voices of any name, and the codes of a silent frame."""
    found: dict[str, Shape] = {}
    for name in names:
        if name == SILENCE:
            found[name] = (speech.codec.codebooks,)
        elif name.startswith(VOICES):
            found[name] = (1, speech.prompt_frames, speech.backbone.hidden)
    return found


def _talker(speech: SpeechConfig, *, vocabulary: int) -> Named:
    width, codec = speech.backbone.hidden, speech.codec
    yield from under("backbone.", _backbone(speech))
    yield from under("embed_subword.", _spelling(speech.spelling, vocabulary=vocabulary))
    yield from under("gated_fusion_audio_text.", _fusion(width))
    yield from under("mog_head.", _mixture(speech.mixture, width=width, latent=codec.latent))
    yield from linear("embed_code", width, codec.latent, bias=False)
    yield "rvq_embs", (codec.codebooks, codec.entries, codec.latent)
    yield "bos_emb", (width,)
    yield "null_emb", (width,)
    if speech.frozen_projection:
        yield "audio_prompt_projection_W", (width, width)


def _backbone(speech: SpeechConfig) -> Named:
    config = speech.backbone
    for index in range(len(config.full)):
        layer = f"layers.{index}."
        yield from _norms(layer, BACKBONE_NORMS, config.hidden)
        yield from _attention(layer, config.hidden, config.heads * config.head_dim)
        yield from _norms(f"{layer}self_attn.", ("q_norm", "k_norm"), config.head_dim)
        yield from _mlp(layer, config.hidden, config.intermediate)
    yield "norm.weight", (config.hidden,)


def _spelling(config: SpellingConfig, *, vocabulary: int) -> Named:
    """Letters, the encoder over them, and what a token gets for where in a word it stands."""
    width = config.hidden
    yield "embed_tokens.weight", (LETTERS + 1, width)  # the last one is padding
    for index in range(config.layers):
        layer = f"backbone.encoder.layers.{index}."
        yield from _norms(layer, SPELLING_NORMS, width)
        yield from _attention(layer, width, config.heads * config.head_dim)
        yield from _mlp(layer, width, config.intermediate)
    yield "backbone.encoder.norm.weight", (width,)
    yield from linear("proj_embedding", width, width, bias=False)
    yield "subword_flag_emb.cont_emb.weight", (2, width)
    yield "subword_flag_emb.is_continuation", (vocabulary + 1,)
    yield "subword_flag_emb.pad_tensor", ()
    yield "bos_eos_emb.special_emb.weight", (3, width)
    yield "bos_eos_emb.special_flags", (vocabulary,)
    yield "bos_eos_emb.pad_tensor", ()


def _fusion(width: int) -> Named:
    yield from linear("audio_proj", width, width)
    yield from linear("text_proj", width, width)
    yield "gate", (width,)
    yield "residual_scale", ()
    yield "final_norm.weight", (width,)


def _mixture(config: MixtureConfig, *, width: int, latent: int) -> Named:
    for index in range(config.layers):
        layer = f"mlp_stack.{index}."
        yield from _norms(layer, ("pre_norm", "post_norm"), width)
        yield from _mlp(layer, width, config.intermediate)
    yield f"mlp_stack.{config.layers}.weight", (width,)
    yield from linear("proj_logits", config.components, width, bias=False)
    yield from linear("proj_mus", config.components * config.low_rank, width, bias=False)
    yield from linear("proj_logs", 1, width, bias=False)
    yield from linear("proj_else", latent, width, bias=False)
    yield "low_mat", (config.components, latent, config.low_rank)


def _codec(config: CodecConfig) -> Named:
    for index in range(config.codebooks):
        yield f"prvq.mus_list.{index}", (config.entries, config.latent)
        yield f"prvq._variance_list.{index}.variance", ()  # of training
    widths = [config.base * multiplier for multiplier in config.multipliers]
    bins = config.n_fft + 2  # real and imaginary parts, or magnitudes and phases
    last = len(widths) * (config.blocks + 1)  # the decoder is the encoder's mirror image
    yield "encoder.layers.0.weight", (widths[0], bins, 1)
    yield f"decoder.layers.{last}.weight", (bins, widths[0], 1)
    wider = (*widths[1:], config.latent)
    for stage, (width, into, rate) in enumerate(zip(widths, wider, config.rates, strict=True)):
        first = stage * (config.blocks + 1) + 1
        change = first + config.blocks  # of rate and width
        for index in range(first, change):
            yield from under(f"encoder.layers.{index}.", _convnext(width, config.kernel))
            yield from under(f"decoder.layers.{last - index}.", _convnext(width, config.kernel))
        yield f"encoder.layers.{change}.weight", (into, width, rate)
        yield f"decoder.layers.{last - change}.weight", (into, width, rate)  # transposed: in, out


def _convnext(width: int, kernel: int) -> Named:
    """A ConvNeXt block (arXiv 2201.03545) over time."""
    yield "dwconv.weight", (width, 1, kernel)
    yield "dwconv.bias", (width,)
    yield "norm.weight", (width,)
    yield "norm.bias", (width,)
    yield "pwconv1.weight", (4 * width, width, 1)
    yield "pwconv1.bias", (4 * width,)
    yield "pwconv2.weight", (width, 4 * width, 1)
    yield "pwconv2.bias", (width,)


def _norms(prefix: str, names: Iterable[str], width: int) -> Named:
    return ((f"{prefix}{name}.weight", (width,)) for name in names)


def _attention(layer: str, width: int, inner: int) -> Named:
    for name in ("q", "k", "v"):
        yield from linear(f"{layer}self_attn.{name}_proj", inner, width, bias=False)
    yield from linear(f"{layer}self_attn.o_proj", width, inner, bias=False)


def _mlp(layer: str, width: int, inner: int) -> Named:
    yield from linear(f"{layer}mlp.gate_proj", inner, width, bias=False)
    yield from linear(f"{layer}mlp.up_proj", inner, width, bias=False)
    yield from linear(f"{layer}mlp.down_proj", width, inner, bias=False)
