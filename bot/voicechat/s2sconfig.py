"""The streaming pipeline's configuration: every key, its default, and what it may be.

Names and defaults are those of ``s2s_streaming.yaml`` of NeMo's S2S streaming pipeline; where they
differ says the head of our file of that name. Nothing here needs torch. The table of
``docs/s2s.md`` is what ``python -m bot.voicechat.s2sconfig`` prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from bot.voicechat.s2skeys import (
    Check,
    ConfigFault,
    Key,
    Note,
    leaves,
    notes,
    one_of,
    read_section,
    table,
)

FRAME_S: Final = 0.08
GREATEST: Final = 3.4028234663852886e38
LEAST: Final = 1.1754943508222875e-38
"""Of float32, the normal ones."""

MATMUL: Final = ("highest", "high", "medium")
PRESETS: Final = ("native", "responsive", "published")
"""Of ``turnpolicy``, which needs torch."""

ABOVE_0 = Check("above 0", lambda n: n > 0)
FROM_0 = Check("0 or more", lambda n: n >= 0)
FROM_1 = Check("1 or more", lambda n: n >= 1)
NUCLEUS = Check("above 0 and at most 1", lambda n: 0 < n <= 1)
WARMTH = Check("a finite float32 of 0 or above", lambda n: 0 <= n <= GREATEST)
PENALTY = Check("a finite float32 above 0", lambda n: LEAST <= n <= GREATEST)
WORD = Check("a text that is not blank", lambda text: bool(text.strip()), tabled=False)
ENGINE = one_of("native", remedy="a server's engine is called by `bot=realtime`")
CHUNK = Check(
    "a multiple of 0.08 above 0",
    lambda n: round(n / FRAME_S) >= 1 and abs(n / FRAME_S - round(n / FRAME_S)) < 1e-6,
    "a frame is 80 ms",
)
NO_LOOKAHEAD = Check("[left, 0]", lambda pair: pair[0] >= 0 and pair[1] == 0)
VLLM: Final = "of vLLM's engines; this one is native"
SILENT: Final = "nothing is said aloud (s2s.decode_audio=false)"


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmKeys:
    """``s2s.vllm_omni_config``: taken as they come."""

    wrapper_dir: Annotated[str | None, Key("folder", ignored=VLLM)] = None
    stage_configs_path: Annotated[str | None, Key("file", ignored=VLLM)] = None
    eartts_stage_configs_path: Annotated[str | None, Key("file", ignored=VLLM)] = None
    nemotron_dtype: Annotated[str, Key("dtype", ignored=VLLM)] = "float32"
    eartts_precompute_batch_size: Annotated[int, Key("tokens", ignored=VLLM)] = 256
    guidance_enabled: Annotated[bool | None, Key("switch", ignored=VLLM)] = None
    guidance_scale: Annotated[float | None, Key("weight", ignored=VLLM)] = None
    log_stats: Annotated[bool, Key("switch", ignored=VLLM)] = False
    stage_init_timeout: Annotated[float, Key("limit", unit="s", ignored=VLLM)] = 600.0
    step_timeout: Annotated[float, Key("limit", unit="s", ignored=VLLM)] = 60.0
    speaker_name: Annotated[str | None, Key("voice", ignored=VLLM)] = None
    stage_overrides: Annotated[object | None, Key("settings", ignored=VLLM)] = None
    eartts_stage_overrides: Annotated[object | None, Key("settings", ignored=VLLM)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKeys:
    """``s2s``: the model, and how a call begins unless it says otherwise."""

    model_path: Annotated[str, Key("The checkpoint's folder, or its hub id", WORD)]
    decode_audio: Annotated[bool, Key("Say it aloud; without, text alone")] = True
    speaker_name: Annotated[
        str | None, Key("One of the checkpoint's voices; `null`: its own speaker", WORD)
    ] = None
    engine_type: Annotated[
        str | None,
        Key("The name that both engines had in one", ENGINE, ignored="there is one engine"),
    ] = None
    llm_engine_type: Annotated[str, Key("What thinks", ENGINE)] = "native"
    tts_engine_type: Annotated[str, Key("What speaks", ENGINE)] = "native"
    vllm_omni_config: VllmKeys = VllmKeys()
    device: Annotated[
        str, Key("`auto`: the GPU if there is one", one_of("auto", "cuda", "cpu"))
    ] = "auto"
    device_id: Annotated[int, Key("Which GPU", FROM_0)] = 0
    compute_dtype: Annotated[
        str, Key("Of language model, embeddings and heads", one_of("float32", "bfloat16"))
    ] = "bfloat16"
    use_perception_cache: Annotated[
        bool, Key("The encoder keeps its past", ignored="its past is always kept")
    ] = True
    use_perception_cudagraph: Annotated[
        bool, Key("On a GPU, steps are captured as CUDA graphs: whole ones, not the encoder alone")
    ] = True
    use_llm_cache: Annotated[
        bool, Key("The language model keeps its past", ignored="its past is always kept")
    ] = True
    use_tts_torch_compile: Annotated[
        bool, Key("Compile the talker", ignored="it is captured as a CUDA graph")
    ] = False
    use_tts_subword_cache: Annotated[
        bool, Key("Keep spelled tokens", ignored="all tokens are spelled out once, when loading")
    ] = False
    top_p: Annotated[float, Key("Mass of the nucleus that a token is drawn from", NUCLEUS)] = 0.5
    temperature: Annotated[float, Key("Logits are divided by it; 0 is greedy", WARMTH)] = 0.3
    repetition_penalty: Annotated[float, Key("On tokens once said; 1 is none", PENALTY)] = 1.1
    force_turn_taking: Annotated[
        bool, Key("Turns are forced by the ASR head; off in a checkpoint without one")
    ] = True
    force_turn_taking_threshold: Annotated[
        int, Key("Least distance of two forced turns of a kind", FROM_0, unit="frames")
    ] = 40
    force_turn_taking_pad_window: Annotated[
        int, Key("Silence of the ASR head that ends the caller's turn", FROM_0, unit="frames")
    ] = 25
    turn_taking: Annotated[
        str | None,
        Key("A preset of turns, in the place of `force_turn_taking`", one_of(*PRESETS)),
    ] = None
    inference_pad_boost: Annotated[
        float | None, Key("Added to the agent's logit of PAD; `null`: the checkpoint's")
    ] = None
    inference_bos_boost: Annotated[float | None, Key("The same of BOS")] = None
    inference_eos_boost: Annotated[float | None, Key("The same of EOS")] = None
    inference_user_pad_boost: Annotated[
        float | None, Key("Added to the ASR head's logit of PAD; `null`: the checkpoint's")
    ] = 0.8
    inference_user_bos_boost: Annotated[float | None, Key("The same of BOS")] = None
    inference_user_eos_boost: Annotated[float | None, Key("The same of EOS")] = None
    inference_force_speech_silence_on_eos: Annotated[
        bool | None, Key("An EOS makes the talker hear silence; `null`: the checkpoint's")
    ] = None
    inference_guidance_scale: Annotated[
        float | None, Key("Weight of guidance, 0 for none; `null`: the checkpoint's", FROM_0)
    ] = None
    inference_top_p_or_k: Annotated[
        float | int | None,
        Key("Nucleus of mixture components, or their number; `null`: the checkpoint's", ABOVE_0),
    ] = None
    inference_noise_scale: Annotated[
        float | None, Key("Of the talker's Gaussians; `null`: the checkpoint's", FROM_0)
    ] = None
    system_prompt: Annotated[str | None, Key("What the agent is told before a call")] = None
    seed: Annotated[int, Key("What is drawn in a call follows from it", FROM_0)] = 0
    profile_timing: Annotated[
        bool, Key("Time the stages", ignored="`benchmarks.voicechat_step` times them")
    ] = False
    matmul_precision: Annotated[str, Key("Of float32 products", one_of(*MATMUL))] = "medium"
    allow_tf32: Annotated[bool, Key("`false`: float32 products are exact")] = True
    deterministic: Annotated[bool, Key("The same numbers in every run")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamKeys:
    """``streaming``: how sound comes in, and how many streams at a time."""

    input_sample_rate: Annotated[
        int, Key("Of what is heard", Check("16000", lambda n: n == 16_000, tabled=False), unit="Hz")
    ] = 16_000
    output_sample_rate: Annotated[
        int, Key("Of what is said", Check("22050", lambda n: n == 22_050, tabled=False), unit="Hz")
    ] = 22_050
    batch_size: Annotated[int, Key("Streams side by side", FROM_1)] = 1
    att_context_size: Annotated[
        tuple[int, int],
        Key("The encoder's rows", NO_LOOKAHEAD, ignored="the checkpoint says how far it sees"),
    ] = (70, 0)
    chunk_size_in_secs: Annotated[float, Key("What a step is given", CHUNK, unit="s")] = FRAME_S
    buffer_size_in_secs: Annotated[
        float | None,
        Key("Sound kept", ABOVE_0, unit="s", ignored="the encoder keeps its state, and no sound"),
    ] = None
    request_type: Annotated[str, Key("What a request is", one_of("frame"))] = "frame"
    max_len: Annotated[
        int,
        Key("Longest stream, its prompt included; memory is taken for it", FROM_1, unit="frames"),
    ] = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class S2SConfig:
    """All of it, as ``read`` checks it."""

    audio_file: Annotated[
        str | None, Key("An audio file, a folder or a manifest; a server has none", WORD)
    ] = None
    output_dir: Annotated[str, Key("Where files are written", WORD)] = "./generated"
    pad_audio_to_sec: Annotated[
        float | None, Key("Silence is added up to this length", FROM_0, unit="s")
    ] = None
    pad_silence_ratio: Annotated[
        float | None, Key("Silence is added, this share of the length", FROM_0)
    ] = None
    pad_audio_by_sec: Annotated[float | None, Key("So much silence is added", FROM_0, unit="s")] = (
        None
    )
    pipeline_type: Annotated[str, Key("The pipeline", one_of("s2s_streaming"))] = "s2s_streaming"
    s2s: ModelKeys
    streaming: StreamKeys = StreamKeys()
    ignored: tuple[Note, ...] = ()
    """What was said and has no effect: to be shown, not a key."""

    @property
    def chunk_frames(self) -> int:
        """Frames of 80 ms in a chunk."""
        return round(self.streaming.chunk_size_in_secs / FRAME_S)


PADDINGS: Final = ("pad_audio_to_sec", "pad_silence_ratio", "pad_audio_by_sec")
ALOUD: Final = (
    "speaker_name",
    "inference_force_speech_silence_on_eos",
    "inference_guidance_scale",
    "inference_top_p_or_k",
    "inference_noise_scale",
)
FORCED: Final = ("force_turn_taking_threshold", "force_turn_taking_pad_window")


def read(plain: Mapping[str, Any]) -> S2SConfig:
    """Of any mapping, OmegaConf's too. Raises ``ConfigFault`` naming the key."""
    config = read_section(S2SConfig, plain)
    said = [name for name in PADDINGS if getattr(config, name) is not None]
    if len(said) > 1:
        raise ConfigFault(path=said[1], what=f"{said[0]} is set, too", remedy="give one of them")
    if config.s2s.use_perception_cudagraph and not config.s2s.use_perception_cache:
        raise ConfigFault(
            path="s2s.use_perception_cudagraph",
            what="a graph needs s2s.use_perception_cache",
            remedy="set both to false, or none",
        )
    return replace(config, ignored=(*notes(config), *_idle(config.s2s)))


def without_effect(names: tuple[str, ...], why: str, s2s: ModelKeys) -> Iterator[Note]:
    """Of those keys of ``s2s`` that are not what they are by default."""
    defaults = {leaf.path: leaf.default for leaf in leaves(ModelKeys)}
    for name in names:
        if getattr(s2s, name) != defaults[name]:
            yield Note(f"s2s.{name}", why)


def _idle(s2s: ModelKeys) -> Iterator[Note]:
    """What other keys have taken the sense of."""
    if not s2s.decode_audio:
        yield from without_effect(ALOUD, SILENT, s2s)
    if s2s.turn_taking is not None:
        yield from without_effect(FORCED, f"s2s.turn_taking={s2s.turn_taking} decides", s2s)
    elif not s2s.force_turn_taking:
        yield from without_effect(FORCED, "s2s.force_turn_taking=false", s2s)


if __name__ == "__main__":
    print(table(S2SConfig))
