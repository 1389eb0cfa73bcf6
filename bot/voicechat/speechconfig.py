"""``model.speech_generation`` of ``config.json``: the talker (EAR-TTS), the codec, and the voice.

Defaults are those of NeMo's code, and of transformers' ``Gemma3TextConfig`` and ``T5GemmaConfig``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.voicechat.section import Section

SPEECH_RATE = 22_050
"""Hertz of what is said; a frame of 80 ms is 1764 samples."""


@dataclass(frozen=True, slots=True)
class BackboneConfig:
    """A Gemma-3 decoder over fused embeddings; it has no words of its own."""

    hidden: int
    intermediate: int
    heads: int  # as many for keys and values
    head_dim: int
    full: tuple[bool, ...]  # of each layer: it sees all positions, and not the window alone
    window: int  # positions that a sliding layer sees, its own included
    query_scalar: float  # scores are divided by its square root
    theta_full: float
    theta_sliding: float


@dataclass(frozen=True, slots=True)
class SpellingConfig:
    """The T5Gemma encoder that reads a token letter by letter."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    head_dim: int
    query_scalar: float
    theta: float
    softcap: float


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """The head: a mixture of Gaussians with shared spread over what the codes must add up to."""

    intermediate: int
    layers: int
    low_rank: int
    components: int
    least_log_std: float
    eps: float


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """A residual-VQ autoencoder over a short-time spectrum. ``frame`` is in samples of speech."""

    latent: int
    n_fft: int
    hop: int
    base: int
    multipliers: tuple[int, ...]
    rates: tuple[int, ...]
    blocks: int
    kernel: int
    entries: int  # of a codebook
    codebooks: int

    @property
    def frame(self) -> int:
        """Samples of one frame of codes."""
        return self.hop * math.prod(self.rates)


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """All of the speaking half. ``prompt_frames`` is how long a voice's prompt is.

    ``guidance`` 0 is none. ``top`` is the mass of the nucleus over mixture components if a float,
    a number of components if an int; ``noise`` scales the Gaussians.
    """

    backbone: BackboneConfig
    spelling: SpellingConfig
    mixture: MixtureConfig
    codec: CodecConfig
    exponent: float
    guidance: float
    top: float | int
    noise: float
    silence_on_eos: bool
    frozen_projection: bool
    prompt_frames: int
    speaker: str | None


def speech_config(model: Section) -> SpeechConfig | None:
    """Of the section ``model``; None without a speaking half. Raises ``CheckpointError``."""
    if model.get("speech_generation", None) is None:
        return None
    speech = model.section("speech_generation")
    own, data = speech.section("model"), speech.section("data")
    tts, codec = own.section("tts_config"), _codec(own.section("codec_config"))
    for key in ("use_gated_fusion_for_text_audio", "use_subword_flag_emb", "use_bos_eos_emb"):
        tts.demand(key, True)
    tts.demand("disable_eos_prediction", True)
    tts.must("random_target_masking", False)
    tts.must("context_hidden_size", None)
    tts.must("latent_size", codec.latent)
    tts.must("codebook_size", codec.entries)
    tts.must("num_quantizers", codec.codebooks)
    data.must("target_sample_rate", SPEECH_RATE)
    prompt = int(data.number("audio_prompt_duration", 3.0) * SPEECH_RATE) // codec.frame
    if prompt < 2:
        raise data.wrong("audio_prompt_duration", "less than the two frames of the least prompt")
    return SpeechConfig(
        backbone=_backbone(tts),
        spelling=_spelling(tts.section("cas_config")),
        mixture=_mixture(tts.section("mog_head_config")),
        codec=codec,
        exponent=_least(tts, "exponent", 3.0, above=0.0),
        guidance=_least(own, "inference_guidance_scale", 0.5),
        top=_top(own),
        noise=_least(own, "inference_noise_scale", 0.8),
        silence_on_eos=own.flag("inference_force_speech_silence_on_eos", default=True),
        frozen_projection=tts.flag("use_audio_prompt_frozen_projection", default=False),
        prompt_frames=prompt,
        speaker=model.text("inference_speaker_name", "") or None,
    )


def _least(section: Section, key: str, default: float, *, above: float | None = None) -> float:
    """A number of 0 or more; if ``above`` is said, of more than that."""
    value = section.number(key, default)
    if not (value >= 0 if above is None else value > above):
        wanted = "0 or more" if above is None else f"above {above:g}"
        raise section.wrong(key, f"must be {wanted}, not {value:g}")
    return value


def _top(own: Section) -> float | int:
    key = "inference_top_p_or_k"
    value = own.get(key, 0.8)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise own.wrong(
            key, f"a nucleus (a float above 0) or a number of components, not {value!r}"
        )
    return value


def _backbone(tts: Section) -> BackboneConfig:
    tts.must("backbone_type", "gemma3_text")
    section = tts.section("backbone_config")
    _plain(section)
    layers = section.whole("num_hidden_layers")
    return BackboneConfig(
        hidden=section.whole("hidden_size"),
        intermediate=section.whole("intermediate_size"),
        heads=section.whole("num_attention_heads"),
        head_dim=section.whole("head_dim"),
        full=_full(section, layers),
        window=section.whole("sliding_window", 4096),
        query_scalar=section.number("query_pre_attn_scalar", 256.0),
        theta_full=_theta(section, "full_attention", "rope_theta", 1e6),
        theta_sliding=_theta(section, "sliding_attention", "rope_local_base_freq", 1e4),
    )


def _plain(section: Section) -> None:
    """What both decoders have in common, and need."""
    section.must("num_key_value_heads", section.whole("num_attention_heads"))
    section.must("hidden_activation", "gelu_pytorch_tanh")
    section.must("rope_scaling", None)
    if section.whole("head_dim") % 2:
        raise section.wrong("head_dim", "must be even: angles turn pairs")


def _full(section: Section, layers: int) -> tuple[bool, ...]:
    """By name if they are named, else every so many (transformers: 6)."""
    names = section.get("layer_types", None)
    if names is None:
        every = section.whole("sliding_window_pattern", 6)
        return tuple((layer + 1) % every == 0 for layer in range(layers))
    kinds = {"full_attention": True, "sliding_attention": False}
    if not isinstance(names, list) or len(names) != layers or any(n not in kinds for n in names):
        raise section.wrong("layer_types", f"{layers} of {' or '.join(kinds)}, not {names!r}")
    return tuple(kinds[name] for name in names)


def _theta(section: Section, kind: str, older: str, default: float) -> float:
    """The base of the rotary angles: transformers 5 nests it by kind of layer, 4 did not."""
    if section.get("rope_parameters", None) is None:
        return section.number(older, default)
    nested = section.section("rope_parameters")
    if nested.get(kind, None) is None:
        return section.number(older, default)
    nested = nested.section(kind)
    nested.must("rope_type", "default")
    return nested.number("rope_theta", default)


def _spelling(cas: Section) -> SpellingConfig:
    cas.must("backbone_type", "t5gemma")
    section = cas.section("backbone_config").section("encoder")
    _plain(section)
    return SpellingConfig(
        hidden=section.whole("hidden_size"),
        intermediate=section.whole("intermediate_size"),
        layers=section.whole("num_hidden_layers"),
        heads=section.whole("num_attention_heads"),
        head_dim=section.whole("head_dim"),
        query_scalar=section.number("query_pre_attn_scalar", 256.0),
        theta=section.number("rope_theta", 1e4),
        softcap=section.number("attn_logit_softcapping", 50.0),
    )


def _mixture(section: Section) -> MixtureConfig:
    return MixtureConfig(
        intermediate=section.whole("intermediate_size"),
        layers=section.whole("num_layers"),
        low_rank=section.whole("low_rank"),
        components=section.whole("num_predictions"),
        least_log_std=section.number("min_log_std", -4.0),
        eps=section.number("eps", 1e-6),
    )


def _codec(section: Section) -> CodecConfig:
    section.must("groups", 1)
    codec = CodecConfig(
        latent=section.whole("latent_size"),
        n_fft=section.whole("n_fft"),
        hop=section.whole("hop_length"),
        base=section.whole("base_hidden_size"),
        multipliers=section.wholes("channel_mult"),
        rates=section.wholes("rates"),
        blocks=section.whole("num_blocks"),
        kernel=section.whole("kernel_size"),
        entries=section.whole("codebook_size"),
        codebooks=section.whole("num_quantizers"),
    )
    if len(codec.rates) != len(codec.multipliers):
        raise section.wrong("rates", f"{len(codec.multipliers)} of them, as of channel_mult")
    section.must("wav_to_token_ratio", codec.frame)
    if codec.frame * 25 != SPEECH_RATE * 2:
        raise section.wrong("rates", f"a frame of {codec.frame} samples, and not of 80 ms")
    return codec
