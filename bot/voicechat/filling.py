"""Putting a checkpoint's tensors into modules, one at a time, also into modules without memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from bot.voicechat.errors import CheckpointError


def _same(name: str) -> str:
    return name


@torch.no_grad()
def fill(
    module: nn.Module, weights: Mapping[str, Tensor], *, rename: Callable[[str], str] = _same
) -> None:
    """Every parameter and saved buffer of ``module`` becomes ``weights[rename(its name)]``.

    A tensor on the meta device is replaced by the weight as it comes (its device, its dtype); any
    other is written in place, in its own. Raises ``CheckpointError`` naming the tensor if one is
    missing, of another shape, not asked for, or if anything is left on the meta device.
    """
    taken = set()
    for name, old in list(module.state_dict(keep_vars=True).items()):
        source = rename(name)
        if source not in weights:
            raise CheckpointError(where=source, what=f"missing, for {name}")
        new = weights[source]
        taken.add(source)
        if new.shape != old.shape:
            what = f"of shape {list(new.shape)}, where {name} has {list(old.shape)}"
            raise CheckpointError(where=source, what=what)
        if old.is_meta:
            _replace(module, name, new)
        else:
            old.copy_(new)
    over = [name for name in weights if name not in taken]
    if over:
        raise CheckpointError(where=over[0], what=f"no such tensor in a {type(module).__name__}")
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.is_meta:
            raise CheckpointError(where=name, what="left without values")


def _replace(module: nn.Module, name: str, new: Tensor) -> None:
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if leaf in owner._parameters:
        owner.register_parameter(leaf, nn.Parameter(new, requires_grad=False))
    else:
        owner.register_buffer(leaf, new)
