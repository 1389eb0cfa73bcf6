"""Whether the released model can run on this machine: its GPU, and the checkpoint in the cache."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import torch

from bot.voicechat.source import RELEASED, REVISIONS, WEIGHTS

LICENCE = "OpenMDW-1.1"
"""Of the released weights."""
FETCH = f"hf download {RELEASED} --revision {REVISIONS[RELEASED]}"


def gpus() -> list[tuple[str, float]]:
    """Name and memory (GB) of each."""
    found = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    return [(one.name, one.total_memory / 1e9) for one in found]


def cached() -> Path | None:
    """The released weights on this machine, if they are here whole."""
    found = huggingface_hub.try_to_load_from_cache(RELEASED, WEIGHTS, revision=REVISIONS[RELEASED])
    return Path(found) if isinstance(found, str) else None
