"""``parley s2s``: the VoiceChat model by itself; so far, a tiny random checkpoint."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from gateway import voicechat
from gateway.complaint import DONE


def make_tiny(folder: Path, console: Console) -> int:
    """Write it. Raises ``PartMissing`` without torch, ``CheckpointError`` if the folder is used."""
    voicechat.require()
    from bot.voicechat import tiny

    path = tiny.make_tiny(folder)
    told = f"{path}: a tiny random checkpoint in the layout of the released one"
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    return DONE
