"""VoiceChat from outside its package: is what it needs installed, and can the model run here.

Nothing is imported of it before that is known: torch and transformers are an extra.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator

from gateway.errors import PartMissing
from gateway.finding import Finding

PART = "VoiceChat"
REMEDY = "make setup EXTRAS=voicechat"
LEAST = {"torch": (2, 11, 0), "transformers": (5, 16, 1)}
"""transformers 5.12.1 runs, and its Mamba layers are wrong after the first chunk."""
MEMORY_GB = 32
"""The released weights are 25 GB with the language model in bfloat16; calls need room, too."""


def missing() -> str:
    """What is wrong with the libraries, in a few words; nothing if nothing is."""
    absent = [name for name in LEAST if importlib.util.find_spec(name) is None]
    if absent:
        return f"{' and '.join(absent)} not installed"
    for name, least in LEAST.items():
        version = importlib.metadata.version(name)
        if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < least:
            return f"{name} {version} is older than {'.'.join(map(str, least))}"
    return ""


def require() -> None:
    """Raises ``PartMissing``."""
    if why := missing():
        raise PartMissing(part=PART, why=why, remedy=REMEDY)


def look() -> Iterator[Finding]:
    """Libraries; and if they are there, the GPU and the checkpoint."""
    if why := missing():
        yield Finding(PART, False, why, REMEDY, needed=False)
        return
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LEAST)
    yield Finding(PART, True, versions)
    from bot.voicechat import machine

    yield _gpu(machine.gpus())
    there = machine.cached() is not None
    found = f"{'in the cache' if there else 'not in the cache'}; licence {machine.LICENCE}"
    remedy = "" if there else machine.FETCH
    yield Finding(f"{PART} checkpoint", there, found, remedy, needed=False)


def _gpu(gpus: list[tuple[str, float]]) -> Finding:
    found = ", ".join(f"{name}, {memory:.0f} GB" for name, memory in gpus) or "none"
    enough = any(memory >= MEMORY_GB for _, memory in gpus)
    remedy = f"the released model needs one with {MEMORY_GB} GB; a CPU runs the tiny one"
    return Finding(f"{PART} GPU", enough, found, "" if enough else remedy, needed=False)
