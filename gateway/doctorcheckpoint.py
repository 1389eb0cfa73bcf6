"""``parley doctor DIR``: is the VoiceChat checkpoint in a folder whole, and is it the released one.

What opening a checkpoint for a call leaves out is done here: every value of the model is read, and
a file of the released one's size is compared with it by SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway import voicechat
from gateway.errors import InputError
from gateway.finding import Finding

if TYPE_CHECKING:
    from bot.voicechat.checkpoint import Checkpoint


def look(folder: Path, console: Console) -> Iterator[Finding]:
    """Raises ``InputError``, ``PartMissing``; ``CheckpointError`` for the first fault."""
    if not (folder / "config.json").exists():
        settings = folder / "parley.yaml"
        remedy = f"to check settings, name {settings}" if settings.exists() else ""
        what = "no checkpoint: there is no config.json in it"
        raise InputError(where=str(folder), what=what, remedy=remedy)
    voicechat.require()
    from bot.voicechat.checkpoint import open_checkpoint
    from bot.voicechat.speechcheck import check_speech

    checkpoint = open_checkpoint(folder)
    yield _layout(checkpoint)
    with _bar(console, "reading every value") as tell:
        count = checkpoint.check_values(tell=tell)
    found = f"{count} tensors read: no NaN, no infinity, no weight that is zero throughout"
    yield Finding("values", True, found)
    if checkpoint.config.speech is not None:
        check_speech(checkpoint)
        found = "the talker's codebooks are the codec's, and control codes and voices fit"
        yield Finding("speech", True, found)
    yield _released(checkpoint, console)


def _layout(checkpoint: Checkpoint) -> Finding:
    from bot.voicechat.layout import STT, TALKER

    config = checkpoint.config
    heads = {
        "text head": True,
        "function head": config.thinker.function_head,
        "ASR head": config.thinker.asr_head,
        "RNN-T": config.rnnt is not None,
    }
    there = ", ".join(name for name, has in heads.items() if has)
    absent = ", ".join(name for name, has in heads.items() if not has)
    found = f"{len(checkpoint.section(STT))} tensors of the listening half, "
    found += f"{len(checkpoint.section(TALKER))} of the speaking half; {there}"
    found += f"; no {absent}" if absent else ""
    return Finding("layout", True, f"{found}; {_voices(checkpoint)}")


def _voices(checkpoint: Checkpoint) -> str:
    if checkpoint.config.speech is None:
        return "config.json knows no speaking half, so none is read"
    voices = checkpoint.voices
    return f"voice{'s' * (len(voices) > 1)} {', '.join(voices)}" if voices else "no voice"


def _released(checkpoint: Checkpoint, console: Console) -> Finding:
    """A file of another size is another model's, and no fault; one of that size hardly is."""
    from bot.voicechat.source import REFETCH, RELEASED, RELEASED_WEIGHTS, sha256

    what, files = "released file", checkpoint.folder.weights
    size = sum(file.stat().st_size for file in files)
    if len(files) > 1 or size != RELEASED_WEIGHTS.size:
        found = f"not the released file: {size} bytes, and that has {RELEASED_WEIGHTS.size}"
        return Finding(what, False, found, needed=False)
    with _bar(console, f"taking the SHA-256 of {files[0].name}") as tell:
        same = sha256(files[0], tell) == RELEASED_WEIGHTS.sha256
    if same:
        return Finding(what, True, f"the released file of {RELEASED} (SHA-256)")
    found = "of the released file's size, and not it (SHA-256)"
    return Finding(what, False, found, f"damaged, unless trained further: {REFETCH}")


@contextmanager
def _bar(console: Console, doing: str) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, a plain line elsewhere. What it gives is told the share that is done."""
    if not console.is_terminal:
        console.print(doing, highlight=False, markup=False, soft_wrap=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda share: bar.update(task, completed=share)
