"""Random numbers of rows: each from its own seed, whoever else draws."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bot.voicechat.draws import GAMMA, RowGenerators, mixed
from bot.voicechat.rows import copy_row

# SplitMix64 of seed 1234567, the sequence by which implementations of it are usually checked.
SEQUENCE = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]


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
