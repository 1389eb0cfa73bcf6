"""Captured steps: as they are on a CPU, and as graphs where there is a CUDA device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from bot.voicechat.graphs import Captured, NotAsCaptured, _copy, capture
from bot.voicechat.rows import keep_

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class Pair(NamedTuple):
    sums: Tensor
    nothing: None


@dataclass(frozen=True)
class Kept:
    doubled: Tensor
    pair: Pair


class Adder:
    """A step of two rows that sums what it hears."""

    def __init__(self, device: str) -> None:
        self.sums = torch.zeros(2, 3, device=device)
        self.runs = 0

    def step(self, heard: Tensor, mask: Tensor) -> Kept:
        self.runs += 1
        keep_(self.sums, self.sums + heard, mask)
        return Kept(doubled=heard * 2, pair=Pair(self.sums, None))


def captured(adder: Adder, *, warmups: int = 3) -> Captured:
    device = adder.sums.device
    examples = (torch.zeros(2, 3, device=device), torch.zeros(2, dtype=torch.bool, device=device))
    step: Captured = capture(adder.step, examples, warmups=warmups)
    return step


def test_on_a_cpu_the_step_is_called_as_it_is() -> None:
    adder = Adder("cpu")
    step = captured(adder)
    assert step.graph is None
    assert adder.runs == 0
    heard = torch.ones(2, 3)
    out = step(heard, torch.tensor([True, False]))
    assert adder.runs == 1
    assert torch.equal(out.doubled, heard * 2)
    assert adder.sums.tolist() == [[1.0] * 3, [0.0] * 3]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((torch.ones(2, 4), torch.ones(2, dtype=torch.bool)), "input 0 is float32 [2, 4] on cpu"),
        ((torch.ones(2, 3), torch.ones(2)), "input 1 is float32 [2] on cpu, but was captured as b"),
        ((torch.ones(2, 3),), "input 1 is absent, but was captured as bool [2] on cpu"),
        ((torch.ones(2, 3).double(), torch.ones(2)), "input 0 is float64"),
        ((torch.ones(2, 3), torch.ones(2, dtype=torch.bool), torch.ones(1)), "captured as absent"),
    ],
)
def test_other_inputs_are_refused_before_anything_runs(
    inputs: tuple[Tensor, ...], message: str
) -> None:
    adder = Adder("cpu")
    with pytest.raises(NotAsCaptured) as caught:
        captured(adder)(*inputs)
    assert message in str(caught.value)
    assert adder.runs == 0


def test_outputs_are_copied_in_their_own_types() -> None:
    old = Kept(doubled=torch.ones(2), pair=Pair(torch.zeros(2), None))
    new = _copy((old, [1]))[0]
    assert isinstance(new, Kept)
    assert isinstance(new.pair, Pair)
    assert torch.equal(new.doubled, old.doubled)
    assert new.doubled.data_ptr() != old.doubled.data_ptr()
    assert new.pair.sums.data_ptr() != old.pair.sums.data_ptr()


@gpu
def test_a_graph_equals_the_step_and_its_warm_ups_leave_no_trace() -> None:
    adder, plain = Adder("cuda"), Adder("cuda")
    step = captured(adder)
    assert step.graph is not None
    assert adder.runs == 4
    assert not adder.sums.any()
    generator = torch.Generator("cuda").manual_seed(0)
    outs = []
    for turn in range(4):
        heard = torch.randn(2, 3, generator=generator, device="cuda")
        mask = torch.tensor([True, turn % 2 == 0], device="cuda")
        outs.append((step(heard, mask), plain.step(heard, mask).doubled, plain.sums.clone()))
    for got, doubled, sums in outs:
        assert torch.equal(got.doubled, doubled)
        assert torch.equal(got.pair.sums, sums)
    assert adder.runs == 4


@gpu
def test_a_capture_without_a_warm_up_is_refused() -> None:
    with pytest.raises(ValueError, match="must run before it is captured"):
        captured(Adder("cuda"), warmups=0)
