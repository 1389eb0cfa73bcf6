"""Sound for streams, and what they said compared."""

from __future__ import annotations

import numpy as np

from bot.voicechat.mel import FRAME
from bot.voicechat.model import VoiceChat
from bot.voicechat.outputs import GenerateStepOutput, S2SStreamingOutput
from bot.voicechat.pipeline import S2SSettings, StreamingS2SPipeline
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.streams import Floats, Frame

LENGTH = 40
WILD = S2SRequestOptions(temperature=3.0, top_p=1.0, repetition_penalty=1.1, seed=5)


def noise(frames: float, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return (0.2 * rng.standard_normal(round(frames * FRAME))).astype(np.float32)


Said = GenerateStepOutput | S2SStreamingOutput


def words(said: Said) -> tuple[object, ...]:
    tokens = said.text_tokens if isinstance(said, GenerateStepOutput) else said.token_text
    return (list(tokens), said.text, said.asr_text, said.function_text)


def alike(said: Said, other: Said) -> bool:
    """Sums over more rows have other last bits."""
    assert said.audio.shape == other.audio.shape
    return words(said) == words(other) and bool(np.allclose(said.audio, other.audio, atol=1e-4))


def opened(model: VoiceChat, *, batch_size: int = 1, length: int = LENGTH) -> StreamingS2SPipeline:
    made = StreamingS2SPipeline(model, S2SSettings(length=length, batch_size=batch_size))
    made.open_session()
    return made


def one(pipeline: StreamingS2SPipeline, frame: Frame) -> GenerateStepOutput:
    (output,) = pipeline.generate_step([frame])
    return output


def first(frames: float, stream: int = 1, options: S2SRequestOptions | None = None) -> Frame:
    return Frame(noise(frames), stream, is_first=True, options=options)
