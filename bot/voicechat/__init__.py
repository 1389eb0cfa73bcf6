"""NemotronVoiceChat (``nvidia/NVIDIA-NemotronLabs-VoiceChat-11B``) in PyTorch and transformers.

Imports torch, transformers, safetensors, tokenizers and numpy, and nothing else: it runs on a bare
GPU machine. Everything is batched by rows: see ``rows``. The names below come with torch, and so
only when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.voicechat.builder import S2SPipelineBuilder, inference_precision_from_cfg

__all__ = ["S2SPipelineBuilder", "inference_precision_from_cfg"]


def __getattr__(name: str) -> Any:
    """From ``builder``. Raises ``AttributeError`` for any other name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bot.voicechat import builder

    return getattr(builder, name)
