"""A step as one CUDA graph: a few hundred kernels are launched as one, from fixed addresses.

Works for any step that obeys ``rows``: the encoder's on its own (plain streaming recognition), the
thinker's, or all of a frame in one function. On a CPU the step is called as it is.

    step = capture(lambda pcm, mask: perception.step(state, pcm, mask), (pcm, nobody))
    encoded, projected = step(pcm, mask)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bot.errors import BotError

WARMUPS = 3


class NotAsCaptured(BotError):
    """A graph takes tensors like those it was captured with, and no others."""

    def __init__(self, *, place: int, got: str, wanted: str) -> None:
        self.place, self.got, self.wanted = place, got, wanted
        super().__init__(f"captured step: input {place} is {got}, but was captured as {wanted}")


@dataclass(frozen=True, slots=True)
class Captured:
    """A step that may have been captured. Call it with tensors like ``inputs``."""

    step: Callable[..., Any]
    inputs: tuple[Tensor, ...]
    graph: Any = None
    outputs: Any = None

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Any:
        """Run the step. What comes back is the caller's own: the next call does not change it.

        Raises ``NotAsCaptured`` for another number, shape, dtype or device of inputs, also where
        the step was not captured.
        """
        self._check(inputs)
        if self.graph is None:
            return self.step(*inputs)
        for fixed, new in zip(self.inputs, inputs, strict=True):
            fixed.copy_(new)
        self.graph.replay()
        return _copy(self.outputs)

    def _check(self, inputs: Sequence[Tensor]) -> None:
        for place in range(max(len(inputs), len(self.inputs))):
            got, wanted = (_kind(group, place) for group in (inputs, self.inputs))
            if got != wanted:
                raise NotAsCaptured(place=place, got=got, wanted=wanted)


@torch.no_grad()
def capture(
    step: Callable[..., Any], examples: Sequence[Tensor], *, warmups: int = WARMUPS
) -> Captured:
    """Capture ``step``, where the examples are on a CUDA device.

    The warm-ups really run the step: with a mask in which nobody is, no state changes. Three of
    them, as PyTorch's notes on CUDA graphs advise: the first creates what libraries make when
    first asked (cuBLAS and cuDNN handles and workspaces, lazily loaded kernels), which must not
    happen while capturing; one more lets the allocator hand out what the first has freed; one more
    is for what times its algorithms before it settles (Triton, cuDNN's benchmark). They run on a
    side stream, for capturing may not use the default one and workspaces belong to a stream.

    Args:
        step: reads its tensors, and state that stays at its addresses; asks the device nothing.
        examples: shapes, dtypes and device of all later inputs; copied.
        warmups: runs before the capture, at least one.

    Returns:
        The step; all its outputs are tensors, or (named) tuples or dataclasses of them, or None.
    """
    inputs = tuple(example.clone() for example in examples)
    device = next((one.device for one in inputs if one.is_cuda), None)
    if device is None:
        return Captured(step, inputs)
    if warmups < 1:
        raise ValueError(f"a step must run before it is captured; warmups={warmups}")
    with torch.cuda.device(device):
        aside, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(warmups):
                step(*inputs)
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(graph, stream=aside):
            outputs = step(*inputs)
    return Captured(step, inputs, graph, outputs)


def _kind(group: Sequence[Tensor], place: int) -> str:
    if place >= len(group):
        return "absent"
    one = group[place]
    return f"{one.dtype} {[*one.shape]} on {one.device}".removeprefix("torch.")


def _copy(value: Any) -> Any:
    """The graph writes its outputs again at each replay, in the same places."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple):
        parts = [_copy(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _copy(getattr(value, f.name)) for f in fields(value)})
    return value
