"""Is a checkpoint whole, and no more than that? First its names and shapes, then its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bot.voicechat import layout as listening
from bot.voicechat import speechlayout as speaking
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.layout import INTEGERS, STT, TALKER, Shape
from bot.voicechat.source import CONFIG, INDEX, Folder
from bot.voicechat.stored import Stored

FLOATS = {"F32", "F16", "BF16", "F64"}
FILLED = (".weight", ".fb", ".window")
"""A tensor of the listening half whose name ends so is zero throughout only if it is damaged."""
MAY_BE_ZERO = (".bias", ".gate", ".residual_scale", ".variance")
"""Of the speaking half's tensors, these alone may be. Nothing reads the variances."""


def halves(config: VoiceChatConfig) -> tuple[str, ...]:
    """How the names begin of the tensors that a model of this config is made of."""
    return (STT, TALKER) if config.speech is not None else (STT,)


def account(folder: Folder, stored: Mapping[str, Stored], llm: Any) -> None:
    """Every tensor that must be there is, in its shape, and no other of the model's halves.

    ``llm`` is the language model's ``NemotronHConfig``. Without a speaking half in the config,
    ``tts_model.*`` is left alone. Raises ``CheckpointError`` for the first fault.
    """
    config = folder.config
    wanted = listening.layout(config, llm)
    if config.speech is not None:
        wanted |= speaking.layout(config.speech, vocabulary=llm.vocab_size)
    missing = [name for name in wanted if name not in stored]
    if missing:
        where = str(folder.weights[0] if len(folder.weights) == 1 else folder.path / INDEX)
        raise CheckpointError(where=f"{where}: {missing[0]}", what=f"missing{_more(missing)}")
    if config.speech is not None:
        wanted |= speaking.optional(config.speech, stored)
    over = [name for name in stored if name.startswith(halves(config)) and name not in wanted]
    if over:
        what = f"no such tensor in a model of this {CONFIG}{_more(over)}"
        raise CheckpointError(where=stored[over[0]].where, what=what)
    for name, shape in wanted.items():
        _check_header(name, stored[name], shape)


def check_tensor(tensor: Tensor, stored: Stored) -> None:
    """Raises ``CheckpointError`` for NaN, infinity, and a weight that is zero throughout."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    # One pass without temporaries: the extremes are NaN if anything is.
    least, most = (float(extreme) for extreme in torch.aminmax(tensor))
    if not (abs(least) < float("inf") and abs(most) < float("inf")):
        raise CheckpointError(
            where=stored.where, what="has NaN or infinity", remedy="fetch it anew"
        )
    if least == most == 0 and not _may_be_zero(stored.name):
        what = "zero throughout, as a damaged download is"
        raise CheckpointError(where=stored.where, what=what, remedy="fetch it anew")


def _check_header(name: str, one: Stored, shape: Shape) -> None:
    if one.shape != shape:
        what = f"of shape {list(one.shape)}, where {CONFIG} wants {list(shape)}"
        raise CheckpointError(where=one.where, what=what)
    if name.endswith(INTEGERS) == (one.kind in FLOATS):
        raise CheckpointError(where=one.where, what=f"of dtype {one.kind}")


def _may_be_zero(name: str) -> bool:
    return name.endswith(MAY_BE_ZERO) if name.startswith(TALKER) else not name.endswith(FILLED)


def _more(names: list[str]) -> str:
    return f", and {len(names) - 1} more" if len(names) > 1 else ""
