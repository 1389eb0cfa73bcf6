"""The benchmark of live calls: its pacing in virtual time, its table on a toy, its estimate."""

from __future__ import annotations

import argparse
from collections import Counter as Tally
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from benchmarks import voicechat_calls, voicechat_estimate
from benchmarks.voicechat_calls_plot import CURVES, drawing, write
from benchmarks.voicechat_estimate import VARIANTS, Cost, Counter, estimate, released
from benchmarks.voicechat_model import random_model
from benchmarks.voicechat_pacing import FIRST_MS, FRAME_MS, Calls, Figures
from bot.voicechat.rows import nbytes


@dataclass
class Virtual:
    """A clock that stands still but for waits, steps of ``step_ms`` and ``tick_ms`` a look."""

    step_ms: float = 0.0
    tick_ms: float = 0.0
    at: float = 5.0
    begun: list[int] = field(default_factory=list)
    steps: list[tuple[float, list[int]]] = field(default_factory=list)

    def now(self) -> float:
        self.at += self.tick_ms
        return self.at

    def wait(self, until: float) -> None:
        self.at = max(self.at, until)

    def begin(self, row: int) -> None:
        self.begun.append(row)

    def step(self, rows: list[int]) -> None:
        assert set(rows) <= set(self.begun)
        self.steps.append((self.at, rows))
        self.at += self.step_ms


def called(
    arrivals: list[float], *, step_ms: float, gather_ms: float = 4.0, until_ms: float = 1000.0
) -> tuple[Virtual, Figures]:
    clock = Virtual(step_ms=step_ms)
    calls = Calls(arrivals, begin=clock.begin, step=clock.step, clock=clock, gather_ms=gather_ms)
    return clock, calls.run(ramp_ms=0.0, until_ms=until_ms)


def test_one_call_is_stepped_when_its_frames_are_due() -> None:
    clock, figures = called([10.0], step_ms=7.0)
    due = [15.0 + FIRST_MS + FRAME_MS * n for n in range(len(clock.steps))]
    assert [at for at, _ in clock.steps] == pytest.approx(due)
    assert figures.steps == pytest.approx([7.0] * 13)
    assert figures.first == pytest.approx([FIRST_MS + 7.0])
    assert (figures.late, figures.behind) == (0.0, 0.0)


def test_a_frame_waits_for_others_that_come_soon_and_for_no_longer() -> None:
    clock, figures = called([0.0, 3.0, 3.5, 20.0], step_ms=5.0)
    assert [rows for _, rows in clock.steps[:4]] == [[0, 1, 2], [3], [0, 1, 2], [3]]
    assert max(figures.waited) == pytest.approx(3.5)
    alone, _ = called([0.0, 5.0], step_ms=3.0)
    assert [rows for _, rows in alone.steps[:2]] == [[0], [1]]
    assert alone.steps[0][0] == pytest.approx(5.0 + FIRST_MS)


def test_nobody_waits_for_others_when_a_step_takes_all_of_a_frame() -> None:
    short, _ = called([0.0, 3.0], step_ms=5.0)
    assert {tuple(rows) for _, rows in short.steps} == {(0, 1)}
    long, _ = called([0.0, 3.0], step_ms=78.0, until_ms=300.0)
    assert [rows for _, rows in long.steps[:3]] == [[0, 1], [0], [1]]


def test_it_goes_on_until_a_step_was_counted() -> None:
    clock, figures = called([0.0], step_ms=1.0, until_ms=5.0)
    assert len(clock.steps) == len(figures.steps) == 1


def test_who_is_late_and_who_is_behind() -> None:
    _, late = called([0.0, 10.0], step_ms=50.0, until_ms=4000.0)
    assert late.behind == 0.0
    assert late.late > 0
    _, behind = called([0.0], step_ms=100.0, until_ms=4000.0)
    assert behind.behind > 8000
    assert behind.late == 1e4


@given(
    st.lists(st.floats(0, 500), min_size=1, max_size=12),
    st.floats(0, 39),
    st.floats(0, 10),
)
def test_every_frame_is_stepped_once_and_in_time_if_steps_are_short(
    arrivals: list[float], step_ms: float, gather_ms: float
) -> None:
    clock, figures = called(arrivals, step_ms=step_ms, gather_ms=gather_ms, until_ms=1500)
    assert sorted(clock.begun, key=lambda row: arrivals[row]) == clock.begun
    assert len(figures.first) == len(arrivals)
    assert all(len(set(rows)) == len(rows) for _, rows in clock.steps)
    stepped = Tally(row for _, rows in clock.steps for row in rows)
    for row, arrival in enumerate(arrivals):
        assert abs(stepped[row] - (1500 - arrival - FIRST_MS) / FRAME_MS) <= 1.5
    assert max(figures.taken) <= 2 * step_ms + gather_ms + 1e-6
    assert figures.behind == 0


def chosen(*more: str) -> argparse.Namespace:
    command = ["--device", "cpu", "--seconds", "0.4", "--context", "20", "--calls", *more]
    return voicechat_calls.arguments().parse_args(command)


def test_the_table_of_a_toy_in_virtual_time() -> None:
    model = random_model(full=False, dtype=torch.float32, device=torch.device("cpu"))
    found: dict[int, Figures] = {}
    head, one, two = voicechat_calls.table(
        model, chosen("1", "2"), found=found, clock=Virtual(tick_ms=0.5)
    )
    assert head.split()[0] == "calls"
    assert len(one) == len(two) == len(head)
    assert [int(line.split()[0]) for line in (one, two)] == [1, 2]
    assert found[1].behind == 0
    assert len(found[2].first) == 2
    lines = [*voicechat_calls.title(model, chosen("1"))]
    assert "every row 20 frames old" in lines[-1]


def test_the_table_ends_at_the_knee() -> None:
    model = random_model(full=False, dtype=torch.float32, device=torch.device("cpu"))
    lines = list(
        voicechat_calls.table(model, chosen("1", "2"), found={}, clock=Virtual(tick_ms=100.0))
    )
    assert len(lines) == 3
    assert lines[-1].startswith("1 calls are past the knee")


def test_the_drawing_is_svg_with_a_point_for_each_figure(tmp_path: Path) -> None:
    steps = {4: [9.0] * 50 + [120.0], 1: [5.0] * 50, 2: [7.0] * 50}
    write(tmp_path / "calls.svg", steps)
    root = ElementTree.parse(tmp_path / "calls.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    points = root.findall(f"{space}circle")
    assert len(points) == len(CURVES) * 3
    heights = [float(point.get("cy", "nan")) for point in points[:3]]
    assert heights == sorted(heights, reverse=True)  # downwards is more, in SVG
    assert min(float(point.get("cy", "nan")) for point in points) > 0
    assert {"p50", "p99", "p99.9", "1", "2", "4"} <= {one.text for one in root.iter(f"{space}text")}
    ElementTree.fromstring(drawing({}))


def test_what_an_operation_moves() -> None:
    with torch.device("meta"):
        weight, state, words = torch.empty(8, 4), torch.empty(2, 8), torch.empty(100, 4)
        rows = torch.empty(2, dtype=torch.int64)
    with Counter(weights=[weight, words], state=[state]) as counter:
        found = functional.embedding(rows, words)
        assert counter.cost == Cost(launches=1, weights=32, rest=32 + 16)
        product = found @ weight.T
        assert counter.cost == Cost(launches=2, weights=32 + 128, rest=48 + 32 + 64)
        state.view(16)[:4].fill_(0)
        state.copy_(product)
        assert counter.cost == Cost(launches=4, weights=160, state=16 + 64, rest=144 + 64)
        state.add_(1)
        state.expand(3, 2, 8).sum()
        assert counter.cost.state == 80 + 2 * 64 + 64


def test_a_steps_cost_grows_with_rows_in_its_state_alone() -> None:
    model = released(VARIANTS[2], full=False)
    two, three = (estimate(model, rows=rows, length=200) for rows in (2, 3))
    assert two.launches == three.launches > 500
    assert three.weights - two.weights < 0.01 * two.weights
    assert three.state - two.state >= 0.9 * nbytes(model.new_state(1, 200))


def test_the_released_step_reads_its_weights() -> None:
    cost = estimate(released(VARIANTS[0]), rows=1, length=1500)
    assert 23e9 < cost.weights < 26e9
    assert 1e9 < cost.state < 2e9
    assert cost.rest < 2e9


def test_the_estimates_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voicechat_estimate, "VARIANTS", VARIANTS[:1])
    title, _, variant, head, line = voicechat_estimate.table(context=50, full=False, rows=(2,))
    assert "rows of 50 frames" in title
    assert variant.startswith("talker's memory in float32, with guidance: weights")
    assert len(line) == len(head)
