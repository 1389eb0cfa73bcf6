"""What came out of a replay, for people: the conversation of each call, and a line for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.worddistance import distance
from gateway.replay import Replayed
from gateway.score.backchannel import words_of
from media.frame import MEDIA_RATE


def tell(result: Replayed, console: Console) -> None:
    """Who said what, when; an interrupted sentence ends where the caller stopped hearing it."""
    rows = Table(
        title=result.item.call_id, title_justify="left", box=None, pad_edge=False, show_header=False
    )
    rows.add_column(justify="right", style="dim", no_wrap=True)
    rows.add_column(no_wrap=True)
    rows.add_column()
    for said in _transcript(result.folder):
        cut = " [dim]… (interrupted)[/dim]" if said["heard_until"] < said["end"] else ""
        text = escape(said["text"])
        if said["speaker"] == "bot":
            text = f"[bold]{text}[/bold]"
        rows.add_row(f"{said['start'] / MEDIA_RATE:.1f} s", said["speaker"], text + cut)
    console.print(rows)
    console.print()


def table(done: Sequence[Replayed]) -> Table:
    """One line a call; the word error rate where a manifest said what the caller says."""
    with_text = any(result.item.text for result in done)
    rows = Table(title="replayed calls", title_justify="left")
    for name in ("call", "seconds", "ended", "answers", "gap p50", "cuts"):
        rows.add_column(name, justify="left" if name in ("call", "ended") else "right")
    if with_text:
        rows.add_column("WER", justify="right")
    for result in done:
        call = json.loads((result.folder / "call.json").read_text(encoding="utf-8"))
        turns = call["turn_taking"]
        gap = turns["response_gap_ms"]
        cells = [
            escape(result.item.call_id),
            f"{call['duration'] / MEDIA_RATE:.1f}",
            str(result.outcome),
            str(turns["responses"]),
            f"{gap['p50']:.0f} ms" if gap else "",
            str(turns["cuts"]),
        ]
        rows.add_row(*cells, *([_error_rate(result)] if with_text else []))
    return rows


def _error_rate(result: Replayed) -> str:
    wanted = words_of(result.item.text)
    if not wanted:
        return ""
    lines = _transcript(result.folder)
    heard = [
        word for line in lines if line["speaker"] == "caller" for word in words_of(line["text"])
    ]
    return f"{distance(heard, wanted) * 100 / len(wanted):.0f} %"


def _transcript(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "transcript.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
