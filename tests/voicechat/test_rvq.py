"""Residual vector quantisation: golden codes, a plain reference, and rows that share nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bot.voicechat.errors import CheckpointError
from bot.voicechat.precision import precision
from bot.voicechat.rvq import Codebooks
from bot.voicechat.speechconfig import CodecConfig

CODEBOOKS, ENTRIES, LATENT = 5, 40, 12
RELEASED = (31, 1024, 512)


def config(codebooks: int = CODEBOOKS, entries: int = ENTRIES, latent: int = LATENT) -> CodecConfig:
    return CodecConfig(
        latent=latent,
        n_fft=16,
        hop=4,
        base=8,
        multipliers=(1, 2, 4),
        rates=(7, 7, 9),
        blocks=3,
        kernel=7,
        entries=entries,
        codebooks=codebooks,
    )


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def loaded(vectors: Tensor) -> Codebooks:
    books = Codebooks(config(*vectors.shape))
    books.load(vectors)
    return books


@pytest.fixture(scope="module")
def vectors() -> Tensor:
    return random(CODEBOOKS, ENTRIES, LATENT)


@pytest.fixture(scope="module")
def books(vectors: Tensor) -> Codebooks:
    return loaded(vectors)


def nearest(vectors: Tensor, z: Tensor) -> list[int]:
    """One vector's codes by all distances, in float64."""
    rest, codes = z.double().numpy(), []
    for book in vectors.double().numpy():
        codes.append(int(np.linalg.norm(book - rest, axis=1).argmin()))
        rest = rest - book[codes[-1]]
    return codes


def test_golden_latents_become_the_recorded_codes_and_these_their_sum(case: Any) -> None:
    assert case.config.speech is not None
    codec = case.config.speech.codec
    names = [f"tts_model.audio_codec.prvq.mus_list.{one}" for one in range(codec.codebooks)]
    books = Codebooks(codec)
    books.load(torch.stack([case.weights[name] for name in names]))
    golden = case.golden("codec")
    codes, added = books.quantise(golden["latent"])
    assert torch.equal(codes, golden["codes"].long())
    torch.testing.assert_close(added, golden["dequant"], atol=1e-5, rtol=0)
    torch.testing.assert_close(books.depth_sum(codes), golden["dequant"], atol=1e-5, rtol=0)


def test_codes_are_the_nearest_entries_of_what_is_left(vectors: Tensor, books: Codebooks) -> None:
    z = 3 * random(64, LATENT, seed=1)
    codes, _ = books.quantise(z)
    assert codes.tolist() == [nearest(vectors, one) for one in z]


def test_what_is_said_is_bit_for_bit_what_the_codes_add_up_to(books: Codebooks) -> None:
    codes, added = books.quantise(3 * random(4, 16, LATENT, seed=2))
    assert codes.shape == (4, 16, CODEBOOKS)
    assert added.dtype == torch.float32
    assert torch.equal(added, books.depth_sum(codes))


def test_a_depth_sum_is_one_entry_of_each_codebook(vectors: Tensor, books: Codebooks) -> None:
    generator = torch.Generator().manual_seed(3)
    codes = torch.randint(ENTRIES, (7, 2, CODEBOOKS), generator=generator)
    wanted = sum(vectors[one][codes[..., one]] for one in range(CODEBOOKS))
    torch.testing.assert_close(books.depth_sum(codes), wanted, atol=1e-5, rtol=0)


def test_the_code_behind_the_last_entry_adds_nothing(vectors: Tensor, books: Codebooks) -> None:
    codes = torch.full((2, CODEBOOKS), ENTRIES)
    codes[1, 3] = 17
    total = books.depth_sum(codes)
    assert not total[0].any()
    assert torch.equal(total[1], vectors[3, 17])


def test_some_codebooks_after_others_are_all_of_them(books: Codebooks) -> None:
    z = 3 * random(32, LATENT, seed=4)
    codes, _ = books.quantise(z)
    first, said = books.quantise(z, last=2)
    then, rest = books.quantise(z.double() - said.double(), first=2)
    assert torch.equal(torch.cat([first, then], -1), codes)
    torch.testing.assert_close(said + rest, books.depth_sum(codes))


def test_of_two_entries_as_near_the_lower_is_taken() -> None:
    vectors = random(1, 6, LATENT).repeat(1, 2, 1)
    codes, _ = loaded(vectors).quantise(random(50, LATENT, seed=5))
    assert (codes < 6).all()


def test_rows_together_are_rows_alone_bit_for_bit(books: Codebooks) -> None:
    z = 3 * random(8, LATENT, seed=6)
    codes, added = books.quantise(z)
    for row in range(8):
        alone, said = books.quantise(z[row : row + 1])
        assert torch.equal(alone[0], codes[row])
        assert torch.equal(said[0], added[row])


def test_near_ties_are_told_apart_where_float32_cannot_and_whatever_the_switches_say() -> None:
    base = 10 * random(1, 64, 256, seed=7)
    near = base.clone()
    near[..., 0] += 1e-3
    vectors = torch.cat([base, near], 1)
    z, right = vectors[0], list(range(128))
    products = (vectors[0].square().sum(-1) - 2 * z @ vectors[0].T).argmin(-1)
    assert products.tolist() != right
    books = loaded(vectors)
    for matmul in ("highest", "medium"):
        with precision(matmul=matmul, allow_tf32=True, deterministic=False):
            codes, _ = books.quantise(z)
        assert codes[:, 0].tolist() == right


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 3e38])
def test_a_broken_row_breaks_no_other_and_has_codes_in_range(
    books: Codebooks, value: float
) -> None:
    z = 3 * random(4, LATENT, seed=8)
    whole, said = books.quantise(z)
    z[2] = value
    codes, added = books.quantise(z)
    sound = [0, 1, 3]
    assert torch.equal(codes[sound], whole[sound])
    assert torch.equal(added[sound], said[sound])
    assert ((codes >= 0) & (codes < ENTRIES)).all()


def test_at_full_size_no_shape_depends_on_a_value() -> None:
    with torch.device("meta"):
        books = Codebooks(config(*RELEASED))
        books.load(torch.empty(RELEASED))
        codes, added = books.quantise(torch.empty(8, 512), first=9)
        total = books.depth_sum(torch.empty(8, 31, dtype=torch.int64))
    assert (codes.shape, codes.dtype) == ((8, 22), torch.int64)
    assert (added.shape, added.dtype) == ((8, 512), torch.float32)
    assert (total.shape, total.dtype) == ((8, 512), torch.float32)


def test_other_vectors_are_refused_by_name_and_none_are_anybody_elses_weights() -> None:
    books = Codebooks(config())
    wanted = f"prvq.mus_list: of shape [5, 40, 13], where the configuration wants [5, 40, {LATENT}]"
    with pytest.raises(CheckpointError, match=re.escape(wanted)):
        books.load(torch.zeros(5, 40, 13), name="prvq.mus_list")
    assert not books.state_dict()


def test_vectors_of_another_float_type_are_taken_as_they_are(vectors: Tensor) -> None:
    rounded = vectors.bfloat16()
    total = loaded(rounded).depth_sum(torch.zeros(1, CODEBOOKS, dtype=torch.int64))
    torch.testing.assert_close(total[0], rounded.float()[:, 0].sum(0))
