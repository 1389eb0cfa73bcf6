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
    module: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    rename: Callable[[str], str] = _same,
    prefix: str = "",
) -> None:
    """Every parameter and saved buffer of ``module`` becomes ``weights[rename(its name)]``.

    The weights are taken as they come, dtype and device included, without a copy, and each is asked
    for once. Raises ``CheckpointError`` naming the tensor, with ``prefix`` before it, if one is
    missing, of another shape, not asked for, or if anything is left on the meta device.
    """
    taken = set()
    for name, old in list(module.state_dict().items()):
        source = rename(name)
        if source not in weights:
            raise CheckpointError(where=prefix + source, what="missing")
        new = weights[source]
        taken.add(source)
        if new.shape != old.shape:
            what = f"of shape {list(new.shape)}, where the configuration wants {list(old.shape)}"
            raise CheckpointError(where=prefix + source, what=what)
        _replace(module, name, new)
    over = [name for name in weights if name not in taken]
    if over:
        what = f"no such tensor in a {type(module).__name__} of this configuration"
        raise CheckpointError(where=prefix + over[0], what=what)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.is_meta:
            raise CheckpointError(where=prefix + name, what="left without values")


def _replace(module: nn.Module, name: str, new: Tensor) -> None:
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if leaf in owner._parameters:
        owner.register_parameter(leaf, nn.Parameter(new, requires_grad=False))
    else:
        owner.register_buffer(leaf, new)
