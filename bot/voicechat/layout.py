"""The tensors a checkpoint must have: names and shapes of all ``stt_model.*``, from its configs.

Names are those of NeMo's ``DuplexSTTModel``; the backbone's those of Nemotron-H. Counting needs no
module, so a checkpoint is refused before anything is allocated. The released 11B has 997 of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from bot.voicechat.config import EncoderConfig, MelConfig, RnntConfig, VoiceChatConfig
from bot.voicechat.errors import CheckpointError

Shape: TypeAlias = tuple[int, ...]
Named: TypeAlias = Iterator[tuple[str, Shape]]

STT = "stt_model."
TALKER = "tts_model."
BATCHES = "num_batches_tracked"
INTEGERS = (
    BATCHES,
    ".is_continuation",
    ".special_flags",
    ".pad_tensor",
    "._control_codes",
    ".codec_silence_tokens",
)
"""Tensors whose names end so hold integers; all others hold floating-point numbers."""

MAMBA = ("linear_attention", "mamba")  # today's name of the layer type, and an older one
ATTENTION = ("full_attention", "attention")


def layout(config: VoiceChatConfig, llm: Any) -> dict[str, Shape]:
    """Name to shape; ``llm`` is the backbone's ``NemotronHConfig``. Raises ``CheckpointError``."""
    thinker = config.thinker
    if llm.hidden_size != thinker.hidden:
        raise CheckpointError(
            where="config.json: model.stt.model.perception.output_dim",
            what=f"{thinker.hidden}, but the language model's hidden_size is {llm.hidden_size}",
        )
    found = dict(under(f"{STT}perception.", perception(config)))
    found.update(under(f"{STT}llm.", backbone(llm)))
    tables = ["embed_tokens", "lm_head"]
    tables += ["embed_asr_tokens", "asr_head"] if thinker.asr_head else []
    tables += ["function_head"] if thinker.function_head else []
    for table in tables:
        found[f"{STT}{table}.weight"] = (llm.vocab_size, llm.hidden_size)
    if config.rnnt is not None:
        found.update(under(f"{STT}rnnt_", rnnt(config.rnnt, width=config.encoder.width)))
    return found


def perception(config: VoiceChatConfig) -> Named:
    """Front end, encoder and projection."""
    yield from under("preprocessor.featurizer.", _mel(config.mel))
    yield from under("encoder.pre_encode.", _subsampling(config.encoder))
    for index in range(config.encoder.layers):
        yield from under(f"encoder.layers.{index}.", _conformer(config.encoder))
    yield from linear("proj", config.thinker.hidden, config.encoder.width)


def backbone(llm: Any) -> Named:
    """The Nemotron-H layers and the last norm; the embeddings are not under it."""
    for index, kind in enumerate(llm.layers_block_type):
        yield f"layers.{index}.norm.weight", (llm.hidden_size,)
        yield from under(f"layers.{index}.mixer.", _mixer(llm, kind))
    yield "norm_f.weight", (llm.hidden_size,)


def rnnt(config: RnntConfig, *, width: int) -> Named:
    """Prediction and joint network; the blank has a row like every piece. ``width``: encoder's."""
    hidden, symbols = config.hidden, len(config.pieces) + 1
    yield "decoder.prediction.embed.weight", (symbols, hidden)
    for index in range(config.layers):
        for gate in ("ih", "hh"):
            name = f"decoder.prediction.dec_rnn.lstm.{{}}_{gate}_l{index}"
            yield name.format("weight"), (4 * hidden, hidden)
            yield name.format("bias"), (4 * hidden,)
    yield from linear("joint.enc", config.joint, width)
    yield from linear("joint.pred", config.joint, hidden)
    yield from linear("joint.joint_net.2", symbols, config.joint)


def under(prefix: str, named: Named) -> Named:
    """With ``prefix`` before each name."""
    return ((prefix + name, shape) for name, shape in named)


def linear(name: str, out: int, into: int, *, bias: bool = True) -> Named:
    """A linear layer's tensors."""
    return _biased(name, (out, into), bias=bias)


def _biased(name: str, weight: Shape, *, bias: bool = True) -> Named:
    yield f"{name}.weight", weight
    if bias:
        yield f"{name}.bias", weight[:1]


def _mel(mel: MelConfig) -> Named:
    yield "fb", (1, mel.bins, mel.n_fft // 2 + 1)
    yield "window", (mel.window,)


def _subsampling(encoder: EncoderConfig) -> Named:
    channels, bins = encoder.channels, encoder.mel_bins
    yield from _biased("conv.0", (channels, 1, 3, 3))
    for depthwise, pointwise in ((2, 3), (5, 6)):
        yield from _biased(f"conv.{depthwise}", (channels, 1, 3, 3))
        yield from _biased(f"conv.{pointwise}", (channels, channels, 1, 1))
    for _ in range(3):  # stages, stride 2, padded by 2 and 1
        bins = bins // 2 + 1
    yield from linear("out", encoder.width, channels * bins)


def _conformer(encoder: EncoderConfig) -> Named:
    width, bias = encoder.width, encoder.bias
    for name in ("feed_forward1", "self_att", "conv", "feed_forward2", "out"):
        yield from _biased(f"norm_{name}", (width,))
    for name in ("feed_forward1", "feed_forward2"):
        yield from linear(f"{name}.linear1", encoder.feed_forward, width, bias=bias)
        yield from linear(f"{name}.linear2", width, encoder.feed_forward, bias=bias)
    for name in ("q", "k", "v", "out"):
        yield from linear(f"self_attn.linear_{name}", width, width, bias=bias)
    yield from linear("self_attn.linear_pos", width, width, bias=False)
    for name in ("u", "v"):
        yield f"self_attn.pos_bias_{name}", (encoder.heads, width // encoder.heads)
    yield from _biased("conv.pointwise_conv1", (2 * width, width, 1), bias=bias)
    yield from _biased("conv.depthwise_conv", (width, 1, encoder.kernel), bias=bias)
    yield from _biased("conv.pointwise_conv2", (width, width, 1), bias=bias)
    yield from _biased("conv.batch_norm", (width,))  # so named when it is a layer norm, too
    if encoder.batch_norm:
        yield "conv.batch_norm.running_mean", (width,)
        yield "conv.batch_norm.running_var", (width,)
        yield f"conv.batch_norm.{BATCHES}", ()


def _mixer(llm: Any, kind: str) -> Named:
    hidden = llm.hidden_size
    if kind in MAMBA:
        yield from _mamba(llm)
    elif kind in ATTENTION:
        queries = llm.num_attention_heads * llm.head_dim
        shared = llm.num_key_value_heads * llm.head_dim
        yield from linear("q_proj", queries, hidden, bias=False)
        yield from linear("k_proj", shared, hidden, bias=False)
        yield from linear("v_proj", shared, hidden, bias=False)
        yield from linear("o_proj", hidden, queries, bias=False)
    elif kind == "mlp":
        yield from linear("up_proj", llm.intermediate_size, hidden, bias=llm.mlp_bias)
        yield from linear("down_proj", hidden, llm.intermediate_size, bias=llm.mlp_bias)
    else:
        what = f"a layer of type {kind!r} is not supported, only Mamba, attention and MLP"
        raise CheckpointError(where="the language model's config.json", what=what)


def _mamba(llm: Any) -> Named:
    heads, hidden = llm.mamba_num_heads, llm.hidden_size
    inner = heads * llm.mamba_head_dim
    mixed = inner + 2 * llm.n_groups * llm.ssm_state_size  # x, B and C go through the convolution
    yield from linear("in_proj", inner + mixed + heads, hidden, bias=llm.use_bias)
    yield from _biased("conv1d", (mixed, 1, llm.conv_kernel), bias=llm.use_conv_bias)
    for name in ("A_log", "D", "dt_bias"):
        yield name, (heads,)
    yield "norm.weight", (inner,)
    yield from linear("out_proj", hidden, inner, bias=llm.use_bias)
