"""``config.json`` of a checkpoint: what of it shapes the listening and thinking half.

The file is a NeMo run configuration; only what matters at inference is read. Defaults are those of
NeMo's code where the public file says nothing (design: the released 11B).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.voicechat.section import Section
from bot.voicechat.speechconfig import SpeechConfig, speech_config

SAMPLE_RATE = 16_000
"""Hertz of what is heard; one frame is 1280 samples, 80 ms."""


@dataclass(frozen=True, slots=True)
class MelConfig:
    """Log-mel front end; lengths in samples at 16 kHz. ``pad_to`` counts columns, 0 for none."""

    bins: int = 128
    n_fft: int = 512
    window: int = 400
    hop: int = 160
    preemphasis: float = 0.97
    pad_to: int = 0


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Cache-aware FastConformer. ``left`` and ``lookaheads`` count rows of 80 ms."""

    mel_bins: int
    layers: int
    width: int
    heads: int
    feed_forward: int
    channels: int  # of the subsampling
    kernel: int  # of the depthwise convolution, causal
    left: int
    lookaheads: tuple[int, ...]
    batch_norm: bool  # frozen, in the place of the layer norm inside the convolution
    bias: bool
    scale_input: bool


@dataclass(frozen=True, slots=True)
class RnntConfig:
    """The caller's words: prediction and joint network. ``pieces`` without the blank."""

    pieces: tuple[str, ...]
    hidden: int
    layers: int
    joint: int

    @property
    def blank(self) -> int:
        """The id after the last piece."""
        return len(self.pieces)


@dataclass(frozen=True, slots=True)
class Boosts:
    """Added to logits before anything is chosen; 0 is none."""

    pad: float = 0.0
    bos: float = 0.0
    eos: float = 0.0


@dataclass(frozen=True, slots=True)
class ForcedTurns:
    """The rule by the ASR head. ``threshold`` and ``pad_window`` count frames."""

    on: bool = False
    threshold: int = 40
    pad_window: int = 25


@dataclass(frozen=True, slots=True)
class ThinkerConfig:
    """What surrounds the language model. ``llm`` is its folder in the checkpoint, or a hub id."""

    llm: str
    hidden: int
    user_weight: float = 1.0
    text_weight: float = 1.0
    asr_weight: float = 1.0
    function_weight: float = 1.0
    asr_head: bool = False
    function_head: bool = False
    text_boosts: Boosts = Boosts()
    asr_boosts: Boosts = Boosts()
    forced_turns: ForcedTurns = ForcedTurns()
    bos: str = "<s>"
    eos: str = "</s>"
    pad: str = "<SPECIAL_12>"
    user_bos: str | None = None  # how older ASR heads begin the caller's turn, beside ``bos``
    user_eos: str | None = None


@dataclass(frozen=True, slots=True)
class VoiceChatConfig:
    """All of it."""

    mel: MelConfig
    encoder: EncoderConfig
    thinker: ThinkerConfig
    rnnt: RnntConfig | None
    speech: SpeechConfig | None
    """Without it the model says no word aloud."""

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> VoiceChatConfig:
        """Raises ``CheckpointError`` naming the key."""
        model = Section(plain, "").section("model")
        stt = model.section("stt").section("model")
        perception = stt.section("perception")
        mel = _mel(perception.section("preprocessor"))
        return cls(
            mel=mel,
            encoder=_encoder(perception.section("encoder"), bins=mel.bins),
            thinker=_thinker(stt, hidden=perception.whole("output_dim")),
            rnnt=_rnnt(plain),
            speech=speech_config(model),
        )


def _mel(section: Section) -> MelConfig:
    section.must("sample_rate", SAMPLE_RATE)
    section.must("normalize", "NA", None)
    section.must("window", "hann")
    return MelConfig(
        bins=section.whole("features", 128),
        n_fft=section.whole("n_fft", 512),
        window=round(section.number("window_size", 0.025) * SAMPLE_RATE),
        hop=round(section.number("window_stride", 0.01) * SAMPLE_RATE),
        pad_to=section.whole("pad_to", 0, least=0),
    )


def _encoder(section: Section, *, bins: int) -> EncoderConfig:
    section.must("subsampling", "dw_striding")
    section.must("subsampling_factor", 8)
    section.must("causal_downsampling", True)
    section.must("self_attention_model", "rel_pos")
    section.must("att_context_style", "chunked_limited")
    section.must("conv_context_size", "causal")
    norm = section.must("conv_norm_type", "layer_norm", "batch_norm")
    left, lookaheads = _contexts(section)
    width, heads = section.whole("d_model"), section.whole("n_heads")
    if width % heads:
        raise section.wrong("n_heads", f"{heads} heads do not divide d_model {width}")
    return EncoderConfig(
        mel_bins=section.must("feat_in", bins),
        layers=section.whole("n_layers"),
        width=width,
        heads=heads,
        feed_forward=width * section.whole("ff_expansion_factor", 4),
        channels=section.whole("subsampling_conv_channels"),
        kernel=section.whole("conv_kernel_size"),
        left=left,
        lookaheads=lookaheads,
        batch_norm=norm == "batch_norm",
        bias=section.flag("use_bias", default=True),
        scale_input=section.flag("xscaling", default=False),
    )


def _contexts(section: Section) -> tuple[int, tuple[int, ...]]:
    """Left context and lookaheads: the file has one pair, or a list of pairs with one left."""
    value = section.get("att_context_size", None)
    pairs = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    sound = all(
        isinstance(pair, list) and len(pair) == 2 and all(type(n) is int and n >= 0 for n in pair)
        for pair in pairs
    )
    if not sound or len({pair[0] for pair in pairs}) != 1:
        raise section.wrong("att_context_size", f"[left, right] or a list of them, not {value!r}")
    return pairs[0][0], tuple(pair[1] for pair in pairs)


def _boosts(stt: Section, who: str) -> Boosts:
    return Boosts(
        pad=stt.number(f"inference_{who}pad_boost", 0.0),
        bos=stt.number(f"inference_{who}bos_boost", 0.0),
        eos=stt.number(f"inference_{who}eos_boost", 0.0),
    )


def _thinker(stt: Section, *, hidden: int) -> ThinkerConfig:
    stt.must("fuse_method", None, "add", "sum")
    return ThinkerConfig(
        llm=stt.text("pretrained_llm"),
        hidden=hidden,
        user_weight=stt.number("duplex_user_channel_weight", 1.0),
        text_weight=stt.number("duplex_text_channel_weight", 1.0),
        asr_weight=stt.number("duplex_asr_text_weight", 1.0),
        function_weight=stt.number("duplex_function_channel_weight", 1.0),
        asr_head=stt.flag("predict_user_text", default=False),
        function_head=stt.flag("use_function_head", default=False),
        text_boosts=_boosts(stt, ""),
        asr_boosts=_boosts(stt, "user_"),
        forced_turns=ForcedTurns(
            on=stt.flag("force_turn_taking", default=False),
            threshold=stt.whole("force_turn_taking_threshold", 40, least=0),
            pad_window=stt.whole("force_turn_taking_pad_window", 25, least=0),
        ),
        bos=stt.text("bos_token", "<s>"),
        eos=stt.text("eos_token", "</s>"),
        pad=stt.text("pad_token", "<SPECIAL_12>"),
        user_bos=stt.text("user_bos_token", "") or None,
        user_eos=stt.text("user_eos_token", "") or None,
    )


def _rnnt(plain: Mapping[str, Any]) -> RnntConfig | None:
    if plain.get("_rnnt_merge_info") is None:
        return None
    info = Section(plain, "").section("_rnnt_merge_info")
    prediction = info.section("decoder_config").section("prednet")
    joint = info.section("joint_config")
    pieces = joint.get("vocabulary", None)
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        raise joint.wrong("vocabulary", "a list of pieces")
    joint.section("jointnet").must("activation", "relu")
    return RnntConfig(
        pieces=tuple(pieces),
        hidden=prediction.whole("pred_hidden"),
        layers=prediction.whole("pred_rnn_layers"),
        joint=joint.section("jointnet").whole("joint_hidden"),
    )
