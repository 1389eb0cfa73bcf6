"""In which numbers the model calculates, and torch's process-wide switches for as long as it does.

The switches belong to the whole process: only one thread may be within ``precision``, or several
that want the same. A CUDA graph keeps what held when it was captured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

import torch

MATMUL = ("highest", "high", "medium")
"""Torch's words for float32 products: float32, TF32, and the CPU's bfloat16 (TF32 on CUDA)."""

WORKSPACE, FIXED = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
"""Without it cuBLAS may choose another algorithm each time (NVIDIA, cuBLAS, reproducibility)."""


Undo: TypeAlias = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Profile:
    """Dtypes of the parts, and the arguments of ``precision``."""

    perception: torch.dtype
    thinker: torch.dtype
    switches: Mapping[str, Any]
    memory: torch.dtype = torch.float32
    """Of the talker's keys and values. All else of the speaking half is float32."""


PARITY = Profile(
    perception=torch.float32,
    thinker=torch.float32,
    switches=MappingProxyType({"matmul": "highest", "allow_tf32": False, "deterministic": True}),
)
"""For comparing tokens with another implementation: in bfloat16 they differ."""

PRODUCTION = Profile(
    perception=torch.float32,
    thinker=torch.bfloat16,
    switches=MappingProxyType({"matmul": "high", "allow_tf32": True, "deterministic": False}),
)
"""NeMo's split: language model, embeddings and heads in bfloat16, what hears in float32."""


@contextmanager
def precision(*, matmul: str, allow_tf32: bool, deterministic: bool) -> Iterator[None]:
    """Set torch's switches; put back every one of them, also when the block raises.

    Args:
        matmul: how exact float32 products are, one of ``MATMUL``.
        allow_tf32: with ``False`` nothing is TF32, whatever ``matmul`` says; with ``True`` cuDNN's
            convolutions may be, too.
        deterministic: the same numbers in every run on the same device. An operation that has no
            such kernel warns (on CUDA: the cumulative sum of float numbers).

    Raises ``ValueError`` for another ``matmul``.
    """
    if matmul not in MATMUL:
        raise ValueError(f"matmul is one of {', '.join(MATMUL)}, not {matmul!r}")
    newer = _newer()
    undo = [*_older(), *newer]
    try:
        torch.set_float32_matmul_precision(matmul if allow_tf32 else MATMUL[0])
        torch.backends.cudnn.allow_tf32 = allow_tf32
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
        torch.backends.cudnn.deterministic = deterministic
        if deterministic:
            torch.backends.cudnn.benchmark = False
            os.environ.setdefault(WORKSPACE, FIXED)
        yield
    finally:
        for put_back in undo:
            put_back()


def _older() -> Iterator[Undo]:
    """What puts back the older float32 switches and those of determinism, when asked for it.

    Torch has two sets of float32 switches and keeps them in step only as long as a program uses
    one of them. Of a program that has mixed them the older cannot be read (torch raises), and
    cannot be asked for by anybody else either.
    """
    cudnn = torch.backends.cudnn
    with suppress(RuntimeError):
        yield partial(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
    with suppress(RuntimeError):
        yield partial(setattr, cudnn, "allow_tf32", cudnn.allow_tf32)
    yield partial(setattr, cudnn, "deterministic", cudnn.deterministic)
    yield partial(setattr, cudnn, "benchmark", cudnn.benchmark)
    yield partial(
        torch.use_deterministic_algorithms,
        torch.are_deterministic_algorithms_enabled(),
        warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    if WORKSPACE in os.environ:
        yield partial(os.environ.__setitem__, WORKSPACE, os.environ[WORKSPACE])
    else:
        yield partial(os.environ.pop, WORKSPACE, None)


def _newer() -> list[Undo]:
    """What puts back the newer float32 switches; the parents among them are cleared.

    They are a tree: all, a backend, an operation; an operation answers for its parents where
    nothing is said of itself. So the parents must be cleared to read what is really its own.
    """
    backends = torch.backends
    parents = (backends, backends.cudnn, backends.mkldnn)
    operations = (
        backends.cuda.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.mkldnn.matmul,
        backends.mkldnn.conv,
        backends.mkldnn.rnn,
    )
    undo: list[Undo] = []
    for node in (*parents, *operations):
        undo.append(partial(setattr, node, "fp32_precision", node.fp32_precision))
        if node in parents:
            node.fp32_precision = "none"
    return undo[::-1]
