"""From a configuration to a pipeline that has run once.

    with inference_precision_from_cfg(cfg):
        pipeline = S2SPipelineBuilder.build_pipeline(cfg)
        pipeline.open_session()
        try:
            ...
        finally:
            pipeline.close_session()

What a session holds is all that there is to shut down: no thread, no process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import torch

from bot.voicechat.build import build
from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.config import Boosts, ForcedTurns, ThinkerConfig, VoiceChatConfig
from bot.voicechat.devices import DTYPES
from bot.voicechat.mel import FRAME
from bot.voicechat.model import VoiceChat
from bot.voicechat.pipeline import S2SSettings, StreamingS2SPipeline
from bot.voicechat.precision import Profile, precision
from bot.voicechat.s2sconfig import FORCED, ModelKeys, S2SConfig, read, without_effect
from bot.voicechat.s2skeys import ConfigFault, Note
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.streams import MonoStream
from bot.voicechat.turnpolicy import Rule, preset
from bot.voicechat.voices import UnknownVoice

logger = logging.getLogger(__name__)

Tell: TypeAlias = Callable[[Note], object]
"""Is told of keys that have no effect."""

SPANS: Final = (512, 1536, 4096)
"""Bounds for ``Seats``, in frames: 41 s, two minutes and 5.5. Each is a graph, on a GPU."""
WARM_FRAMES: Final = 8
FALLBACK_PROMPT: Final = "You are a helpful assistant."
"""So that the way of a prompt is warm, too, where the configuration has none."""
ASR_ONLY: Final = (
    *FORCED,
    "inference_user_pad_boost",
    "inference_user_bos_boost",
    "inference_user_eos_boost",
)


class S2SPipelineBuilder:
    """NeMo's name for what makes a pipeline; it has no state."""

    @staticmethod
    def build_pipeline(
        cfg: Mapping[str, Any] | S2SConfig, *, tell: Tell | None = None
    ) -> StreamingS2SPipeline:
        """Its session is closed. Within ``inference_precision_from_cfg``, as all of its steps.

        Args:
            cfg: what ``s2sconfig.read`` takes, OmegaConf's too, or has given.
            tell: hears each key that has no effect; otherwise they are logged as warnings.

        Raises ``ConfigFault``, ``CheckpointError`` and ``UnknownVoice``.
        """
        config = _checked(cfg)
        device = device_of(config.s2s)
        checkpoint = open_checkpoint(config.s2s.model_path)
        _check(config.s2s, checkpoint)
        for note in (*config.ignored, *_absent(config, checkpoint.config)):
            (tell or _warn)(note)
        own = configured(checkpoint.config, config.s2s)
        checkpoint = replace(checkpoint, folder=replace(checkpoint.folder, config=own))
        profile, speak = profile_of(config.s2s), config.s2s.decode_audio
        model = build(checkpoint, profile=profile, device=device, speak=speak)
        settings = settings_of(config, device)
        _check_prompt(model, settings)
        warm_up(model, settings)
        return StreamingS2SPipeline(model, settings)


@contextmanager
def inference_precision_from_cfg(cfg: Mapping[str, Any] | S2SConfig) -> Iterator[None]:
    """Torch's process-wide switches as ``cfg`` has them, for as long as the block lasts: see
    ``precision``. Raises ``ConfigFault``."""
    with precision(**profile_of(_checked(cfg).s2s).switches):
        yield


def profile_of(s2s: ModelKeys) -> Profile:
    """Only the language model's dtype is anybody's choice: see ``PRODUCTION``."""
    switches = {
        "matmul": s2s.matmul_precision,
        "allow_tf32": s2s.allow_tf32,
        "deterministic": s2s.deterministic,
    }
    return Profile(torch.float32, DTYPES[s2s.compute_dtype], MappingProxyType(switches))


def device_of(s2s: ModelKeys) -> torch.device:
    """Raises ``ConfigFault`` for a GPU that is not there."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if s2s.device == "cpu" or (s2s.device == "auto" and not there):
        return torch.device("cpu")
    if not there:
        remedy = "s2s.device=auto takes the CPU then"
        raise ConfigFault(path="s2s.device", what="torch finds no GPU", remedy=remedy)
    if s2s.device_id >= there:
        what = f"no GPU {s2s.device_id}, there are {there} and they count from 0"
        raise ConfigFault(path="s2s.device_id", what=what)
    return torch.device("cuda", s2s.device_id)


def configured(own: VoiceChatConfig, s2s: ModelKeys) -> VoiceChatConfig:
    """A checkpoint's config with what ``s2s`` has to say of it."""
    speech = None if own.speech is None else _speech(own.speech, s2s)
    return replace(own, thinker=_thinker(own.thinker, s2s), speech=speech)


def settings_of(config: S2SConfig, device: torch.device) -> S2SSettings:
    """For a pipeline on ``device``."""
    s2s, streaming = config.s2s, config.streaming
    defaults = S2SRequestOptions(
        system_prompt=s2s.system_prompt,
        top_p=s2s.top_p,
        temperature=s2s.temperature,
        repetition_penalty=s2s.repetition_penalty,
        seed=s2s.seed,
        voice=s2s.speaker_name if s2s.decode_audio else None,
        turn_taking=s2s.turn_taking,
    )
    return S2SSettings(
        length=streaming.max_len,
        batch_size=streaming.batch_size,
        decode_audio=s2s.decode_audio,
        defaults=defaults,
        graphs=s2s.use_perception_cudagraph and device.type == "cuda",
        spans=SPANS,
    )


def warm_up(model: VoiceChat, settings: S2SSettings) -> None:
    """A prompt and a few frames of silence in a small session: kernels are loaded, the default
    voice is prepared, and what is wrong shows now and not in the first call."""
    prompt = settings.defaults.system_prompt or FALLBACK_PROMPT
    length = len(model.prompt_ids(prompt)) + WARM_FRAMES + 2
    small = replace(settings, length=length, batch_size=1, graphs=False, spans=())
    silence = np.zeros(WARM_FRAMES * FRAME, np.float32)
    stream = MonoStream(silence, 0, options=S2SRequestOptions(system_prompt=prompt))
    for output in StreamingS2SPipeline(model, small).run([stream]):
        if output.error is not None:
            raise output.error


def _checked(cfg: Mapping[str, Any] | S2SConfig) -> S2SConfig:
    return cfg if isinstance(cfg, S2SConfig) else read(cfg)


def _warn(note: Note) -> None:
    logger.warning("%s", note)


def _check(s2s: ModelKeys, checkpoint: Checkpoint) -> None:
    """What can be said before gigabytes are read."""
    if not s2s.decode_audio:
        return
    if checkpoint.config.speech is None:
        raise ConfigFault(
            path="s2s.decode_audio",
            what="the checkpoint has no speaking half",
            remedy="s2s.decode_audio=false",
        )
    if s2s.speaker_name is not None and s2s.speaker_name not in checkpoint.voices:
        raise UnknownVoice(name=s2s.speaker_name, known=checkpoint.voices)


def _check_prompt(model: VoiceChat, settings: S2SSettings) -> None:
    taken = len(model.prompt_ids(settings.defaults.system_prompt or ""))
    if taken >= settings.length:
        what = f"{settings.length} frames, of which the prompt takes {taken}"
        raise ConfigFault(path="streaming.max_len", what=what, remedy="a larger one, or less of it")


def _absent(config: S2SConfig, own: VoiceChatConfig) -> Iterator[Note]:
    """What this checkpoint has no part for. The defaults are no news."""
    s2s = config.s2s
    told = {note.path for note in config.ignored}
    if not own.thinker.asr_head:
        found = without_effect(ASR_ONLY, "the checkpoint has no ASR head", s2s)
        yield from (note for note in found if note.path not in told)
    if own.rnnt is None and s2s.turn_taking and preset(s2s.turn_taking).rule is Rule.RNNT:
        yield Note("s2s.turn_taking", "the checkpoint has no RNN-T")


def _thinker(own: ThinkerConfig, s2s: ModelKeys) -> ThinkerConfig:
    return replace(
        own,
        text_boosts=_boosts(
            own.text_boosts,
            pad=s2s.inference_pad_boost,
            bos=s2s.inference_bos_boost,
            eos=s2s.inference_eos_boost,
        ),
        asr_boosts=_boosts(
            own.asr_boosts,
            pad=s2s.inference_user_pad_boost,
            bos=s2s.inference_user_bos_boost,
            eos=s2s.inference_user_eos_boost,
        ),
        forced_turns=ForcedTurns(
            on=s2s.force_turn_taking and own.asr_head,
            threshold=s2s.force_turn_taking_threshold,
            pad_window=s2s.force_turn_taking_pad_window,
        ),
    )


def _boosts(own: Boosts, **given: float | None) -> Boosts:
    return replace(own, **{name: boost for name, boost in given.items() if boost is not None})


def _speech(own: SpeechConfig, s2s: ModelKeys) -> SpeechConfig:
    given = {
        "guidance": s2s.inference_guidance_scale,
        "top": s2s.inference_top_p_or_k,
        "noise": s2s.inference_noise_scale,
        "silence_on_eos": s2s.inference_force_speech_silence_on_eos,
    }
    changed: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    return replace(own, **changed)
