"""The codec's encoder: what it takes, what silence is, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bot.voicechat.codec import WrongLength
from bot.voicechat.codecencoder import CodecEncoder, silence_codes
from bot.voicechat.errors import CheckpointError
from bot.voicechat.rvq import Codebooks
from bot.voicechat.speechconfig import CodecConfig

FRAME = 1764
SMALL = CodecConfig(
    latent=24,
    n_fft=16,
    hop=4,
    base=8,
    multipliers=(1, 2, 4),
    rates=(7, 7, 9),
    blocks=3,
    kernel=7,
    entries=40,
    codebooks=5,
)


def random_weights() -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(3)
    weights = {}
    for name, one in CodecEncoder(SMALL).layers.state_dict().items():
        width = one[0].numel() if one.dim() > 1 else 4
        weights[f"encoder.layers.{name}"] = torch.randn(one.shape, generator=draw) * width**-0.5
    return weights


@pytest.fixture(scope="module")
def encoder() -> CodecEncoder:
    made = CodecEncoder(SMALL)
    made.load(random_weights())
    return made


@pytest.fixture(scope="module")
def books() -> Codebooks:
    made, draw = Codebooks(SMALL), torch.Generator().manual_seed(1)
    made.load(torch.randn(SMALL.codebooks, SMALL.entries, SMALL.latent, generator=draw))
    return made


def test_a_recording_is_whole_frames(encoder: CodecEncoder) -> None:
    for samples in (0, 1000, FRAME + 1):
        with pytest.raises(WrongLength, match=f"a recording of {samples} samples; it takes whole"):
            encoder.latent(torch.zeros(1, samples))


def test_silence_is_what_most_of_it_is(books: Codebooks, encoder: CodecEncoder) -> None:
    got = silence_codes(encoder, books)
    later = encoder.codes(torch.zeros(1, 20 * FRAME), books)[0, 3:]
    assert got.shape == (SMALL.codebooks,)
    assert torch.equal(later, got.expand_as(later))


def test_recordings_of_a_batch_are_as_alone(books: Codebooks, encoder: CodecEncoder) -> None:
    wav = 0.1 * torch.randn(2, 4 * FRAME, generator=torch.Generator().manual_seed(5))
    together = encoder.latent(wav)
    for row in range(2):
        assert (encoder.latent(wav[row : row + 1])[0] - together[row]).abs().max() < 1e-5
    assert encoder.codes(wav, books).shape == (2, 4, SMALL.codebooks)


def test_a_wrong_tensor_of_the_encoder_is_named() -> None:
    weights = random_weights()
    del weights["encoder.layers.12.weight"]
    with pytest.raises(CheckpointError, match="missing") as caught:
        CodecEncoder(SMALL).load(weights)
    assert caught.value.where == "tts_model.audio_codec.encoder.layers.12.weight"


def test_the_released_size_is_encoded_without_asking_for_a_value() -> None:
    released = CodecConfig(512, 16, 4, 384, (1, 2, 4), (7, 7, 9), 3, 7, 1024, 31)
    with torch.device("meta"):
        made = CodecEncoder(released)
        assert made.latent(torch.zeros(1, 2 * FRAME)).shape == (1, 2, 512)
    assert round(sum(one.numel() for one in made.parameters()) / 1e6, 2) == 91.85
