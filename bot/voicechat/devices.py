"""Where the model runs and in which numbers, by the names that settings have for it."""

from __future__ import annotations

from dataclasses import replace

import torch

from bot.voicechat.options import OptionError
from bot.voicechat.precision import PARITY, PRODUCTION, Profile

AUTO = "auto"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def device_of(name: str) -> torch.device:
    """``auto`` is the first GPU, or the CPU. Raises ``OptionError``."""
    gpu = torch.cuda.is_available()
    if name == AUTO:
        return torch.device("cuda" if gpu else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(name="device", value=name, wanted="a device, as cuda:0") from None
    if device.type == "cuda" and not gpu:
        raise OptionError(name="device", value=name, wanted="here: torch sees no GPU")
    return device


def profile_of(device: torch.device, *, dtype: str = AUTO, memory: str = "float32") -> Profile:
    """``dtype`` (of the mind) ``auto`` is bfloat16 on a GPU and float32 elsewhere; ``memory`` is
    that of the talker's keys and values. Raises ``OptionError``."""
    profile = PRODUCTION if device.type == "cuda" else PARITY
    mind = profile.thinker if dtype == AUTO else _dtype("dtype", dtype)
    return replace(profile, thinker=mind, memory=_dtype("memory", memory))


def _dtype(name: str, value: str) -> torch.dtype:
    if value not in DTYPES:
        raise OptionError(name=name, value=value, wanted=" or ".join(DTYPES))
    return DTYPES[value]
