"""Random numbers of rows: each from its own seed, whoever else draws."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from torch import Tensor

from bot.voicechat.draws import GAMMA, RowGenerators, _normal, derived_seed, mixed
from bot.voicechat.rows import copy_row

# SplitMix64 of seed 1234567, the sequence by which implementations of it are usually checked.
SEQUENCE = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]
LEVELS = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


def test_the_generator_is_splitmix64() -> None:
    words = mixed(1234567 + torch.arange(1, 6) * GAMMA)
    assert [word % 2**64 for word in words.tolist()] == SEQUENCE


def all_rows(rows: int) -> Tensor:
    return torch.ones(rows, dtype=torch.bool)


def test_a_rows_draws_depend_on_its_seed_and_step_only() -> None:
    crowd, alone = RowGenerators.new(3), RowGenerators.new(1)
    for row, seed in enumerate((7, 2**64 - 1, -5)):
        crowd.seed_row(row, seed)
    alone.seed_row(0, 2**64 - 1)
    drawn = []
    for step in range(12):
        mask = torch.tensor([step % 2 == 0, step % 3 != 0, True])
        uniform = crowd.draw_(mask)
        drawn += [uniform[1]] if mask[1] else []
    assert drawn == [alone.draw_(all_rows(1))[0] for _ in range(8)]
    assert crowd.drawn.tolist() == [6, 8, 12]


def test_a_copied_row_goes_on_as_its_original() -> None:
    first, second = RowGenerators.new(2), RowGenerators.new(2)
    first.seed_row(1, 99)
    first.draw_(all_rows(2))
    copy_row(first, 1, second, 0)
    assert [float(first.draw_(all_rows(2))[1]) for _ in range(5)] == [
        float(second.draw_(all_rows(2))[0]) for _ in range(5)
    ]


def test_neighbouring_seeds_share_nothing_and_draws_are_uniform() -> None:
    rows = 512
    generators = RowGenerators.new(rows)
    for row in range(rows):
        generators.seed_row(row, row)
    drawn = torch.stack([generators.draw_(all_rows(rows)) for _ in range(64)])
    assert ((drawn >= 0) & (drawn < 1)).all()
    counts = torch.histc(drawn, bins=16, min=0, max=1)
    expected = drawn.numel() / 16
    assert float(((counts - expected) ** 2 / expected).sum()) < 37.7  # chi², 15 degrees, 0.1 %
    centred = drawn - 0.5
    for other in (centred.roll(1, 0), centred.roll(1, 1), centred.roll((1, 1), (0, 1))):
        correlation = float((centred * other).mean() * 12)
        assert abs(correlation) < 4 / math.sqrt(drawn.numel())


def seeded(*seeds: int) -> RowGenerators:
    generators = RowGenerators.new(len(seeds))
    for row, seed in enumerate(seeds):
        generators.seed_row(row, seed)
    return generators


def many(rows: int) -> RowGenerators:
    return seeded(*range(rows))


def test_the_numbers_of_a_seed_stay_what_they_are() -> None:
    generators = seeded(7, 2**64 - 1)
    drawn = [(generators.draw_(all_rows(2)) * 2**24).tolist() for _ in range(4)]
    assert drawn == [
        [12104898, 6144522],
        [10900229, 12428646],
        [9216971, 8565810],
        [10137377, 15551838],
    ]


def test_several_draws_at_once_are_as_many_one_by_one() -> None:
    together, apart = seeded(3, 4), seeded(3, 4)
    mask = torch.tensor([True, False])
    for count in (1, 5, 2):
        uniforms = together.uniforms_(mask, count)
        one_by_one = torch.stack([apart.draw_(mask) for _ in range(count)], -1)
        assert uniforms.dtype == torch.float32
        assert torch.equal(uniforms[0], one_by_one[0])
    assert together.drawn.tolist() == [8, 0] == apart.drawn.tolist()


def test_normals_do_not_depend_on_how_they_are_grouped() -> None:
    together, apart = seeded(5), seeded(5)
    whole = together.normals_(all_rows(1), 60)
    parts = [apart.normals_(all_rows(1), count) for count in (1, 7, 52)]
    assert whole.dtype == torch.float32
    assert torch.equal(whole, torch.cat(parts, -1))
    assert together.drawn.tolist() == [60]


def test_a_frames_noise_is_uniforms_and_normals_in_turn() -> None:
    together, apart = seeded(5, 6), seeded(5, 6)
    mask = torch.tensor([False, True])
    for _ in range(2):
        uniform, normal = together.noise_(mask, passes=3, components=7, latent=4)
        assert (uniform.shape, normal.shape) == ((2, 3, 7), (2, 3, 4))
        for turn in range(3):
            assert torch.equal(uniform[1, turn], apart.uniforms_(mask, 7)[1])
            assert torch.equal(normal[1, turn], apart.normals_(mask, 4)[1])
    assert together.drawn.tolist() == [0, 66]


def test_a_rows_noise_is_its_own_alone_and_in_a_crowd() -> None:
    crowd, alone = many(16), seeded(11)
    for step in range(4):
        mask = torch.arange(16) % (step + 2) != 0
        mask[11] = True
        uniform, normal = crowd.noise_(mask, passes=5, components=33, latent=17)
        single = alone.noise_(all_rows(1), passes=5, components=33, latent=17)
        assert torch.equal(uniform[11], single[0][0])
        assert torch.equal(normal[11], single[1][0])


def test_normals_are_normal() -> None:
    rows, count = 64, 4096
    drawn = many(rows).normals_(all_rows(rows), count).double()
    size = drawn.numel()
    assert abs(float(drawn.mean())) < 4 / math.sqrt(size)
    assert abs(float(drawn.var()) - 1) < 4 * math.sqrt(2 / size)
    assert abs(float((drawn**3).mean())) < 4 * math.sqrt(15 / size)
    assert abs(float((drawn**4).mean()) - 3) < 4 * math.sqrt(96 / size)
    ordered = np.sort(drawn.flatten().numpy())
    below = np.array([(1 + math.erf(one / math.sqrt(2))) / 2 for one in ordered])
    places = np.arange(size + 1) / size
    apart = max(float((places[1:] - below).max()), float((below - places[:-1]).max()))
    assert apart < 1.95 / math.sqrt(size)  # Kolmogorov-Smirnov, 0.1 %
    reference = np.sort(np.random.default_rng(0).standard_normal(size))
    assert np.abs(np.quantile(ordered, LEVELS) - np.quantile(reference, LEVELS)).max() < 0.03


def test_neighbouring_seeds_and_draws_of_normals_have_nothing_in_common() -> None:
    rows, count = 256, 256
    drawn = many(rows).normals_(all_rows(rows), count).double()
    for other in (drawn.roll(1, 0), drawn.roll(1, 1), drawn.roll((1, 1), (0, 1))):
        assert abs(float((drawn * other).mean())) < 4 / math.sqrt(drawn.numel())
        squares = (drawn**2 - 1) * (other**2 - 1) / 2
        assert abs(float(squares.mean())) < 4 / math.sqrt(drawn.numel())


def test_a_normal_is_what_its_word_has_as_much_below_it_as_and_never_infinite() -> None:
    words = [0, 1, 2**12, 2**40, 2**62, 2**63, 2**63 + 2**60, 2**64 - 2**30, 2**64 - 1]
    signed = torch.tensor([word - 2**64 if word >= 2**63 else word for word in words])
    below = [((word >> 12) + 0.5) / 2**52 for word in words]
    wanted = [NormalDist().inv_cdf(one) for one in below]
    torch.testing.assert_close(_normal(signed), torch.tensor(wanted), atol=1e-6, rtol=1e-6)
    assert 8 < max(wanted) < 8.3
    assert min(wanted) == pytest.approx(-max(wanted))


def test_a_generator_with_another_seed_of_the_same_call_draws_other_numbers() -> None:
    seeds = {derived_seed(seed, stream) for seed in range(-40, 40) for stream in range(1, 40)}
    assert len(seeds | set(range(-40, 40))) == 80 * 39 + 80
    assert derived_seed(-1, 1) == derived_seed(2**64 - 1, 1)
    both = seeded(9, derived_seed(9, 1)).uniforms_(all_rows(2), 4096).double() - 0.5
    assert abs(float((both[0] * both[1]).mean() * 12)) < 4 / math.sqrt(4096)


def test_noise_has_shapes_that_depend_on_no_value() -> None:
    with torch.device("meta"):
        generators = RowGenerators.new(3)
        mask = torch.empty(3, dtype=torch.bool)
        uniform, normal = generators.noise_(mask, passes=5, components=1024, latent=512)
        assert derived_seed(1, 1) == derived_seed(1, 1)
    assert uniform.is_meta
    assert normal.is_meta
    assert (uniform.shape, normal.shape) == ((3, 5, 1024), (3, 5, 512))
