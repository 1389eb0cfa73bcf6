"""Torch's switches: set as asked, and all put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from bot.voicechat.precision import MATMUL, PARITY, PRODUCTION, WORKSPACE, precision

BACKENDS = torch.backends
READERS: dict[str, Callable[[], Any]] = {
    "matmul": torch.get_float32_matmul_precision,
    "cuda matmul tf32": lambda: BACKENDS.cuda.matmul.allow_tf32,
    "cudnn tf32": lambda: BACKENDS.cudnn.allow_tf32,
    "all": lambda: BACKENDS.fp32_precision,
    "cudnn": lambda: BACKENDS.cudnn.fp32_precision,
    "cudnn conv": lambda: BACKENDS.cudnn.conv.fp32_precision,
    "cudnn rnn": lambda: BACKENDS.cudnn.rnn.fp32_precision,
    "cuda matmul": lambda: BACKENDS.cuda.matmul.fp32_precision,
    "mkldnn": lambda: BACKENDS.mkldnn.fp32_precision,
    "mkldnn matmul": lambda: BACKENDS.mkldnn.matmul.fp32_precision,
    "mkldnn conv": lambda: BACKENDS.mkldnn.conv.fp32_precision,
    "mkldnn rnn": lambda: BACKENDS.mkldnn.rnn.fp32_precision,
    "deterministic": torch.are_deterministic_algorithms_enabled,
    "warn only": torch.is_deterministic_algorithms_warn_only_enabled,
    "cudnn deterministic": lambda: BACKENDS.cudnn.deterministic,
    "cudnn benchmark": lambda: BACKENDS.cudnn.benchmark,
    "workspace": lambda: os.environ.get(WORKSPACE),
}


def switches() -> dict[str, Any]:
    """All that can be read; torch refuses some of them where both of its sets are in use."""
    found = {}
    for name, read in READERS.items():
        try:
            found[name] = read()
        except RuntimeError:
            found[name] = "refused"
    return found


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Each test leaves the process as it was, whatever it finds."""
    before = switches()
    with precision(matmul="highest", allow_tf32=True, deterministic=False):
        yield
    assert switches() == before


@pytest.mark.parametrize("profile", [PARITY, PRODUCTION])
def test_everything_is_put_back(profile: Any) -> None:
    before = switches()
    with precision(**profile.switches):
        assert switches() != before
    assert switches() == before


def test_everything_is_put_back_when_the_block_raises() -> None:
    before = switches()
    with pytest.raises(KeyError), precision(**PARITY.switches):
        raise KeyError("inside")
    assert switches() == before


def test_parity_is_float32_and_repeats() -> None:
    with precision(**PARITY.switches):
        now = switches()
        x = torch.arange(9.0).view(3, 3)
        assert torch.equal(x @ x, (x.double() @ x.double()).float())
    assert now["matmul"] == "highest"
    assert not now["cuda matmul tf32"]
    assert not now["cudnn tf32"]
    assert now["deterministic"]
    assert now["cudnn deterministic"]
    assert not now["cudnn benchmark"]
    assert now["workspace"]


def test_production_is_fast() -> None:
    with precision(**PRODUCTION.switches):
        now = switches()
    assert now["matmul"] == "high"
    assert now["cuda matmul tf32"]
    assert now["cudnn tf32"]
    assert not now["deterministic"]


@pytest.mark.parametrize("matmul", MATMUL)
def test_without_tf32_nothing_is_tf32(matmul: str) -> None:
    with precision(matmul=matmul, allow_tf32=False, deterministic=False):
        now = switches()
    assert not {"tf32", "bf16"} & {value for value in now.values() if isinstance(value, str)}
    assert not now["cuda matmul tf32"]


def test_the_inner_block_counts() -> None:
    with precision(**PRODUCTION.switches):
        outer = switches()
        with precision(**PARITY.switches):
            assert switches()["matmul"] == "highest"
        assert switches() == outer


def test_a_parents_switch_stays_a_parents_switch() -> None:
    BACKENDS.fp32_precision = "tf32"
    try:
        before = switches()
        with precision(matmul="highest", allow_tf32=False, deterministic=False):
            assert switches()["cuda matmul"] == "ieee"
            assert switches()["mkldnn matmul"] == "ieee"
        assert switches() == before
        assert before["mkldnn conv"] == "tf32"
    finally:
        BACKENDS.fp32_precision = "none"
    assert switches()["mkldnn conv"] == "none"


def test_an_operators_own_switch_is_kept() -> None:
    BACKENDS.mkldnn.matmul.fp32_precision = "bf16"  # now the older set cannot be read
    before = switches()
    assert before["matmul"] == "refused"
    with precision(**PARITY.switches):
        assert switches()["mkldnn matmul"] == "ieee"
    assert switches() == before


def test_a_workspace_the_operator_chose_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, ":16:8")
    with precision(**PARITY.switches):
        assert os.environ[WORKSPACE] == ":16:8"
    assert os.environ[WORKSPACE] == ":16:8"


def test_an_unknown_word_is_refused_before_anything_is_set() -> None:
    before = switches()
    with (
        pytest.raises(ValueError, match="matmul is one of highest, high, medium, not 'fast'"),
        precision(matmul="fast", allow_tf32=True, deterministic=False),
    ):
        pass
    assert switches() == before
