"""What a step of the released model must move and launch, by number of rows: counted, not timed.

A step runs on torch's meta device, where tensors have shapes and no values, and every operation is
written down that would be a kernel on a GPU. Bytes are those of what an operation reads and
writes, as if no cache kept anything between two of them; of a lookup what is looked up. So the
figures are those of the code as it stands, run eagerly; some operations are two or three kernels
(sorts, sums along a row), and CUDA graphs launch all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.voicechat_model import sizes
from bot.voicechat.build import assemble, speaking_parts
from bot.voicechat.model import VoiceChat
from bot.voicechat.rows import nbytes, tensors
from bot.voicechat.speech import Speech
from bot.voicechat.stepping import Inputs, Stepper
from bot.voicechat.subwords import SubwordTable
from bot.voicechat.tiny import tiny_tokenizer
from bot.voicechat.turntaking import PieceKinds

ROWS = (1, 16, 64)
BANDWIDTH = 3.35e12
"""Bytes a second: the H100 SXM's memory, by its data sheet."""

NO_KERNEL = (
    "empty",
    "new_empty",
    "detach",
    "alias",
    "_unsafe_view",
    "lift_fresh",
    "_reshape_alias",
)
LOOKUPS = ("embedding", "index", "index_select", "gather")
SCATTERS = ("index_put_", "index_copy_", "scatter_", "index_fill_", "_index_put_impl_")
OVERWRITES = ("copy_", "fill_", "zero_", *SCATTERS)


class Variant(NamedTuple):
    """Of the talker's memory."""

    memory: torch.dtype
    guided: bool

    def __str__(self) -> str:
        guided = "with guidance" if self.guided else "without guidance"
        return f"talker's memory in {str(self.memory).removeprefix('torch.')}, {guided}"


VARIANTS = (
    Variant(torch.float32, guided=True),
    Variant(torch.bfloat16, guided=True),
    Variant(torch.bfloat16, guided=False),
)


@dataclass(slots=True)
class Cost:
    """Of one step. Bytes of weights are read; those of state and the rest read and written."""

    launches: int = 0
    weights: int = 0
    state: int = 0
    rest: int = 0

    @property
    def moved(self) -> int:
        """All bytes."""
        return self.weights + self.state + self.rest


class Counter(TorchDispatchMode):  # type: ignore[misc]  # a class of torch's is of any type
    """Counts what runs while it is entered."""

    def __init__(self, *, weights: Iterable[Tensor], state: Iterable[Tensor]) -> None:
        super().__init__()
        self.cost = Cost()
        self._weights = {_place(one) for one in weights}
        self._state = {_place(one) for one in state}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if not (func.is_view or name.startswith(NO_KERNEL)):
            self.cost.launches += 1
            for tensor, count in _moved(name, func, args, kwargs or {}, out):
                self._book(tensor, count)
        return out

    def _book(self, tensor: Tensor, count: int) -> None:
        place = _place(tensor)
        if place in self._weights:
            self.cost.weights += count
        elif place in self._state:
            self.cost.state += count
        else:
            self.cost.rest += count


def _place(tensor: Tensor) -> int:
    """The same for all views of a tensor."""
    place: int = tensor.untyped_storage()._cdata
    return place


def _bytes(tensor: Tensor) -> int:
    """Without repeating what is repeated by a stride of 0."""
    count: int = tensor.element_size()
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        count *= size if stride or size == 0 else 1
    return count


def _moved(
    name: str, func: Any, args: Any, kwargs: dict[str, Any], out: Any
) -> Iterator[tuple[Tensor, int]]:
    """Tensors that an operation reads or writes, and how much of them."""
    given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    made = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
    changed = [_place(one) for one in made if func._schema.is_mutable]
    for at, tensor in enumerate(given):
        count = _bytes(tensor)
        if at == 0 and name in LOOKUPS:
            count = sum(map(_bytes, made))
        elif at == 0 and name in SCATTERS:
            count = _bytes(given[-1])
        written = at == 0 and _place(tensor) in changed
        if not (written and name in OVERWRITES):
            yield tensor, count
        if written:
            yield tensor, count
    if not func._schema.is_mutable:
        yield from ((tensor, _bytes(tensor)) for tensor in made)


def released(variant: Variant, *, full: bool = True) -> VoiceChat:
    """Its shapes, or the toy's, on the meta device; the thinker in bfloat16."""
    config, llm = sizes(full=full)
    assert config.speech is not None
    speech = config.speech if variant.guided else replace(config.speech, guidance=0.0)
    codec, width = speech.codec, speech.backbone.hidden
    with torch.device("meta"):
        model = assemble(config, llm, tiny_tokenizer())
        parts = speaking_parts(speech, ids=model.ids)
        kinds = torch.empty(llm.vocab_size, dtype=torch.int64)
        rows, flags = torch.empty(llm.vocab_size, width), torch.empty(6, width)
        silence = torch.empty(codec.codebooks, dtype=torch.int64)
        books = torch.empty(codec.codebooks, codec.entries, codec.latent)
    model.llm.thinker.to(torch.bfloat16)
    model.perception.encoder.prepare()
    parts.decoder.books.load(books)
    parts.talker.fusion.books = parts.decoder.books
    parts.talker.fusion.fold(SubwordTable(rows=rows, flags=flags, kinds=kinds), silence)
    assert model.rnnt is not None
    pieces = PieceKinds.of(model.rnnt.config.pieces, device="meta")
    mouth = Speech(speech, *parts, latents={}, memory=variant.memory)
    return replace(model, kinds=pieces, speech=mouth)


def weights_of(model: VoiceChat) -> list[Tensor]:
    """All that is read and never written, buffers among it; each once."""
    parts: list[nn.Module | None] = [model.perception, model.llm.thinker, model.rnnt]
    if model.speech is not None:
        parts += [model.speech.talker, model.speech.decoder]
    found = [
        tensor
        for part in parts
        if part is not None
        for tensor in (*part.parameters(), *part.buffers())
    ]
    return list({_place(one): one for one in found}.values())


def estimate(model: VoiceChat, *, rows: int, length: int) -> Cost:
    """A step of ``rows`` rows of ``length`` frames, all of which are read."""
    state = model.new_state(rows, length)
    step, inputs = Stepper(model, state), Inputs.nobody(rows, device=model.device)
    with Counter(weights=weights_of(model), state=tensors(state)) as counter:
        step(inputs)
    cost: Cost = counter.cost
    return cost


def table(*, context: int, full: bool = True, rows: Iterable[int] = ROWS) -> Iterator[str]:
    """Its lines. A call has ``context`` frames, the prompt's included."""
    yield f"A step of the released model, counted on the meta device; rows of {context} frames"
    head = f"{'rows':>5}{'launches':>10}{'weights, GB':>13}{'state, GB':>11}{'rest, GB':>10}"
    for variant in VARIANTS:
        model = released(variant, full=full)
        kept, row = sum(map(_bytes, weights_of(model))), nbytes(model.new_state(1, context))
        yield ""
        yield f"{variant}: weights {kept / 1e9:.1f} GB, a row {row / 1e6:.0f} MB"
        yield f"{head}{'sum, GB':>9}{'ms at 3.35 TB/s':>17}{'memory, GB':>12}"
        for count in rows:
            cost = estimate(model, rows=count, length=context)
            yield (
                f"{count:>5}{cost.launches:>10}{cost.weights / 1e9:>13.1f}{cost.state / 1e9:>11.1f}"
                f"{cost.rest / 1e9:>10.1f}{cost.moved / 1e9:>9.1f}"
                f"{cost.moved / BANDWIDTH * 1e3:>17.1f}{(kept + count * row) / 1e9:>12.1f}"
            )
