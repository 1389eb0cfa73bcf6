"""The codec against what NeMo recorded."""

from __future__ import annotations

from typing import Protocol

import pytest
import torch
from torch import Tensor

from bot.voicechat.codec import BOOKS, PREFIX, CodecDecoder
from bot.voicechat.codec import LAYERS as DECODER
from bot.voicechat.codecencoder import LAYERS as ENCODER
from bot.voicechat.codecencoder import CodecEncoder, silence_codes
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.speechconfig import CodecConfig

LATENT, SOUND = 2e-4, 1e-5
FRAME, LATE, EDGE = 1764, 8, 6
ON = torch.ones(1, dtype=torch.bool)


class Golden(Protocol):
    """A case, as the fixture has it."""

    config: VoiceChatConfig
    weights: dict[str, Tensor]

    def section(self, prefix: str) -> dict[str, Tensor]: ...
    def golden(self, stem: str) -> dict[str, Tensor]: ...


def config(case: Golden) -> CodecConfig:
    assert case.config.speech is not None
    return case.config.speech.codec


def named(case: Golden, *beginnings: str) -> dict[str, Tensor]:
    return {n: t for n, t in case.section(PREFIX).items() if n.startswith(beginnings)}


def decoder(case: Golden) -> CodecDecoder:
    with torch.device("meta"):
        made = CodecDecoder(config(case))
    made.load(named(case, BOOKS, DECODER))
    return made


def encoder(case: Golden) -> CodecEncoder:
    with torch.device("meta"):
        made = CodecEncoder(config(case))
    made.load(named(case, ENCODER))
    return made


def recorded(case: Golden) -> Tensor:
    """int64 [1, 10, codebooks]."""
    return case.golden("codec")["codes"].long()


def stream(codec: CodecDecoder, codes: Tensor, frames: int, *, flush: bool = False) -> Tensor:
    """All of one call, so many frames at a time."""
    state = codec.new_state(1)
    parts = [codec.step(state, part, ON) for part in codes.split(frames, dim=1)]
    return torch.cat([*parts, codec.flush(state, ON)] if flush else parts, 1)


def close(got: Tensor, want: Tensor, limit: float = SOUND) -> bool:
    return got.shape == want.shape and bool((got - want).abs().max() <= limit)


def test_the_encoder_is_golden(case: Golden) -> None:
    want, made = case.golden("codec"), encoder(case)
    assert close(made.latent(want["wav"][:, 0]), want["latent"], LATENT)
    assert torch.equal(made.codes(want["wav"][:, 0], decoder(case).books), recorded(case))


def test_frames_are_encoded_from_what_has_been(case: Golden) -> None:
    wav, made, books = case.golden("codec")["wav"][:, 0], encoder(case), decoder(case).books
    some = made.codes(wav[:, : 6 * FRAME], books)
    assert torch.equal(some[:, :5], recorded(case)[:, :5])


def test_a_whole_recording_is_golden(case: Golden) -> None:
    want, codes, codec = case.golden("codec"), recorded(case), decoder(case)
    assert close(codec.books.depth_sum(codes), want["dequant"])
    assert close(codec.whole(codes), want["decoded"][:, 0])
    loud = want["decoded_unconstrained"][:, 0]
    assert close(codec.whole(codes, clamp=False), loud)
    assert not close(loud, want["decoded"][:, 0], 0.01), "the case must tell one from the other"


@pytest.mark.parametrize("frames", [1, 3])
def test_a_stream_is_golden(case: Golden, frames: int) -> None:
    got = stream(decoder(case), recorded(case), frames)
    assert close(got, case.golden("codec")[f"stream{frames}"][:, 0])


def test_a_flushed_stream_is_golden(case: Golden) -> None:
    got = stream(decoder(case), recorded(case), 1, flush=True)
    assert close(got, case.golden("codec")["stream1_flush"][:, 0])


def test_a_stream_is_the_golden_whole_eight_samples_late(case: Golden) -> None:
    got, want = stream(decoder(case), recorded(case), 1), case.golden("codec")["decoded"][:, 0]
    assert close(got[:, LATE + EDGE :], want[:, EDGE:-LATE])


def test_windows_are_the_golden_stream(case: Golden) -> None:
    codes, codec, want = recorded(case), decoder(case), case.golden("codec")["stream1"][:, 0]
    past = codec.past
    windows = [codec.windowed(codes[:, t - past : t + 1]) for t in range(past, codes.shape[1])]
    assert close(torch.cat(windows, 1), want[:, past * FRAME :])
    assert close(codec.windowed(codes[:, : past + 3]), want[:, past * FRAME : (past + 3) * FRAME])


def test_silence_has_the_golden_codes(case: Golden) -> None:
    got = silence_codes(encoder(case), decoder(case).books)
    assert got.dtype == torch.int64
    assert torch.equal(got, case.weights["tts_model.codec_silence_tokens"].long())
