"""Sampling of many rows at once, against a slow and plain reference of one row."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BotError
from bot.voicechat.rows import tensors
from bot.voicechat.sampling import (
    OptionError,
    RowGenerators,
    Sampled,
    SamplingOptions,
    remember_,
    sample,
)

SPECIALS = (12, 1, 2)
VOCABULARY = 16
NEAR = 1e-5  # of mass: what float32 and the order of its sums may make of a border


class Row(NamedTuple):
    """One row's question."""

    logits: list[float]
    said: list[int]
    uniform: float
    top_p: float = 1.0
    temperature: float = 1.0
    penalty: float = 1.0
    greedy: bool = False


def best_number(logits: Sequence[float]) -> int:
    """The first of the highest; NaN is no number."""
    best, highest = 0, -math.inf
    for token, logit in enumerate(logits):
        if not math.isnan(logit) and logit > highest:
            best, highest = token, logit
    return best


def penalised(row: Row) -> list[float]:
    logits = list(np.array(row.logits, dtype=np.float32))
    p = np.float32(row.penalty)
    with np.errstate(over="ignore"):
        for token in set(row.said) - set(SPECIALS):
            logits[token] = logits[token] / p if logits[token] > 0 else logits[token] * p
    return [float(logit) for logit in logits]


def allowed(row: Row) -> set[int]:
    """Tokens that are right, one but for borders: the rules one after the other, in float64."""
    best = best_number(row.logits)
    same = row.top_p == 1 and row.temperature == 1 and row.penalty == 1
    if row.greedy or row.temperature == 0 or same or best in SPECIALS:
        return {best}
    logits = penalised(row)
    if not all(math.isfinite(logit) for logit in logits):
        return {best}
    order = sorted(range(len(logits)), key=lambda token: -logits[token])  # stable
    scaled = [(logits[token] - logits[order[0]]) / row.temperature for token in order]
    mass = [math.exp(one) for one in scaled]
    mass = [one / math.fsum(mass) for one in mass]
    before = [math.fsum(mass[:place]) for place in range(len(mass))]
    right = set()
    for slack in (-NEAR, 0.0, NEAR):
        limit = math.inf if row.top_p == 1 else row.top_p + slack
        kept = [place for place, preceding in enumerate(before) if not place or preceding <= limit]
        total = math.fsum(mass[place] for place in kept)
        for place in kept:
            low, high = before[place] / total, (before[place] + mass[place]) / total
            if low - NEAR <= row.uniform <= high + NEAR:
                right.add(order[place])
    return right


def sample_rows(rows: Sequence[Row]) -> Sampled:
    """All of them in one batch."""
    options = SamplingOptions.new(len(rows))
    seen = torch.zeros(len(rows), VOCABULARY, dtype=torch.bool)
    mask = torch.ones(len(rows), dtype=torch.bool)
    for place, row in enumerate(rows):
        options.set_row(
            place,
            top_p=row.top_p,
            temperature=row.temperature,
            repetition_penalty=row.penalty,
            greedy=row.greedy,
        )
        for token in row.said:
            said = torch.full((len(rows),), token)
            only = mask & (torch.arange(len(rows)) == place)
            remember_(seen, said, mask=only, specials=SPECIALS)
    logits = torch.tensor([row.logits for row in rows], dtype=torch.float32)
    uniform = torch.tensor([row.uniform for row in rows], dtype=torch.float32)
    sampled: Sampled = sample(
        logits, seen=seen, options=options, uniform=uniform, specials=SPECIALS
    )
    return sampled


FINITE = st.floats(-20, 20, width=32)
ANY = st.one_of(FINITE, st.sampled_from([math.nan, math.inf, -math.inf, 3e38, -3e38, 0.0]))


def rows_of(logit: st.SearchStrategy[float]) -> st.SearchStrategy[list[Row]]:
    row = st.builds(
        Row,
        logits=st.lists(logit, min_size=VOCABULARY, max_size=VOCABULARY),
        said=st.lists(st.integers(0, VOCABULARY - 1), max_size=6),
        uniform=st.integers(0, 2**24 - 1).map(lambda n: n * 2.0**-24),
        top_p=st.one_of(st.just(1.0), st.floats(2**-7, 1, width=32)),
        temperature=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.0625, 4, width=32)),
        penalty=st.one_of(st.just(1.0), st.floats(0.5, 2, width=32)),
        greedy=st.booleans() if logit is ANY else st.just(False),
    )
    return st.lists(row, min_size=1, max_size=5)


@given(rows_of(FINITE))
def test_mixed_rows_draw_what_the_plain_reference_draws(rows: list[Row]) -> None:
    sampled = sample_rows(rows)
    assert not sampled.broken.any()
    for row, token in zip(rows, sampled.tokens.tolist(), strict=True):
        assert token in allowed(row)


@given(rows_of(ANY))
def test_whatever_the_logits_are_the_rules_hold(rows: list[Row]) -> None:
    sampled = sample_rows(rows)
    for place, row in enumerate(rows):
        assert int(sampled.tokens[place]) in allowed(row)
        finite = all(math.isfinite(logit) for logit in penalised(row))
        assert bool(sampled.broken[place]) is not finite


@given(rows_of(ANY))
def test_a_row_draws_in_a_batch_what_it_draws_alone(rows: list[Row]) -> None:
    together = sample_rows(rows).tokens.tolist()
    assert together == [int(sample_rows([row]).tokens) for row in rows]


def row_with(**logits: float) -> list[float]:
    """-10 but for those named, like ``t3=2.0``."""
    found = [-10.0] * VOCABULARY
    for name, logit in logits.items():
        found[int(name[1:])] = logit
    return found


@pytest.mark.parametrize("special", SPECIALS)
def test_a_best_special_is_never_drawn_against(special: int) -> None:
    logits = row_with(t5=1.0)
    logits[special] = 1.001
    rows = [Row(logits, [], n / 64, temperature=2.0) for n in range(64)]
    assert set(sample_rows(rows).tokens.tolist()) == {special}


def test_specials_are_not_penalised_and_others_are_once() -> None:
    logits = row_with(t5=2.0, t12=1.9)
    assert int(sample_rows([Row(logits, [5, 5, 5], 0.0, penalty=1.05)]).tokens) == 5
    assert int(sample_rows([Row(logits, [5], 0.0, penalty=1.06)]).tokens) == 12
    both = Row(row_with(t5=2.0, t6=1.0), [12, 1, 2], 0.0, penalty=1.9)
    assert int(sample_rows([both]).tokens) == 5


def test_the_nucleus_keeps_what_crosses_the_border_and_the_best_always() -> None:
    quarter = [0.0] * 4 + [-100.0] * (VOCABULARY - 4)  # tokens 0, 1, 2, 3 (1, 2 special)
    late = 1 - 2.0**-24
    drawn = [
        int(sample_rows([Row(quarter, [], late, top_p=p, temperature=0.5)]).tokens)
        for p in (0.01, 0.2, 0.25, 0.3, 0.5, 0.75, 0.8)
    ]
    assert drawn == [0, 0, 1, 1, 2, 3, 3]  # a special may be drawn where it is second best


def test_draws_follow_the_distribution() -> None:
    rows = 4096
    options, generators = SamplingOptions.new(rows), RowGenerators.new(rows)
    for row in range(rows):
        options.set_row(row, temperature=2.0)
        generators.seed_row(row, row)
    logits = torch.tensor([[0.6, -9.0, -9.0, 0.2, -1.0]]).expand(rows, -1)
    uniform = generators.draw_(torch.ones(rows, dtype=torch.bool))
    seen = torch.zeros(rows, 5, dtype=torch.bool)
    tokens = sample(logits, seen=seen, options=options, uniform=uniform, specials=(1, 2)).tokens
    expected = (logits[0] / 2).softmax(-1)
    found = torch.bincount(tokens, minlength=5) / rows
    deviation = (expected * (1 - expected) / rows).sqrt()
    assert ((found - expected).abs() < 4 * deviation).all()


def test_a_large_vocabulary_draws_from_its_whole_tail() -> None:
    size = 131_072
    options = SamplingOptions.new(2)
    for row in range(2):
        options.set_row(row, temperature=0.5)
    flat = torch.zeros(2, size)
    flat[:, 0] = 1e-3
    uniform = torch.tensor([0.5, 1 - 2.0**-24])
    seen = torch.zeros(2, size, dtype=torch.bool)
    half, last = sample(
        flat, seen=seen, options=options, uniform=uniform, specials=SPECIALS
    ).tokens.tolist()
    assert abs(half - size / 2) < 200
    assert last >= size - 2


def test_bfloat16_logits_are_read_exactly() -> None:
    logits = torch.tensor([row_with(t5=2.0, t6=1.0)], dtype=torch.bfloat16)
    options = SamplingOptions.new(1)
    options.set_row(0, temperature=0.5)
    seen = torch.zeros(1, VOCABULARY, dtype=torch.bool)
    below, above = (
        sample(logits, seen=seen, options=options, uniform=u, specials=SPECIALS).tokens.item()
        for u in (torch.tensor([0.88]), torch.tensor([0.885]))  # 1 / (1 + exp(-2)) = 0.8808
    )
    assert (below, above) == (5, 6)


def test_remembering_touches_only_the_rows_of_the_mask() -> None:
    seen = torch.zeros(4, VOCABULARY, dtype=torch.bool)
    mask = torch.tensor([True, False, True, True])
    remember_(seen, torch.tensor([5, 6, 12, 7]), mask=mask, specials=SPECIALS)
    assert seen.nonzero().tolist() == [[0, 5], [3, 7]]
    remember_(seen, torch.tensor([5, 6, 1, 8]), mask=~mask, specials=SPECIALS)
    assert seen.nonzero().tolist() == [[0, 5], [1, 6], [3, 7]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("top_p", math.nan),
        ("temperature", -0.1),
        ("temperature", 1e60),
        ("temperature", math.inf),
        ("temperature", math.nan),
        ("repetition_penalty", 0.0),
        ("repetition_penalty", 1e-60),
        ("repetition_penalty", 1e60),
        ("repetition_penalty", math.inf),
        ("repetition_penalty", math.nan),
    ],
)
def test_options_out_of_range_are_named_and_change_nothing(name: str, value: float) -> None:
    options = SamplingOptions.new(2)
    options.set_row(1, top_p=0.5, temperature=0.3, repetition_penalty=1.1)
    before = [one.clone() for one in tensors(options)]
    with pytest.raises(OptionError, match=re.escape(f"{name}: {value!r} is not ")) as raised:
        options.set_row(1, **{name: value})
    assert isinstance(raised.value, BotError)
    assert isinstance(raised.value, ValueError)
    assert all(torch.equal(old, new) for old, new in zip(before, tensors(options), strict=True))


def test_a_fresh_row_and_one_of_all_ones_are_greedy() -> None:
    options = SamplingOptions.new(4)
    options.set_row(1)
    options.set_row(2, top_p=0.9)
    options.set_row(3, temperature=1e-42)
    assert options.fixed().tolist() == [True, True, False, True]
