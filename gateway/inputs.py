"""What ``parley replay`` is given: files, folders, manifests, call folders. Checked one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.facts import Digit, Held
from gateway.audiofile import MAX_MINUTES, SUFFIXES, Recording, probe
from gateway.errors import ConfigError, InputError
from gateway.legs.base import Moved
from media.errors import ParleyError
from media.timeline import Entry
from media.timelinefile import read

MANIFEST_KEYS = {"audio_filepath", "caller_channel", "persona", "system_prompt", "text"}


@dataclass(frozen=True, slots=True)
class ReplayItem:
    """One call to replay. ``reference`` is the call folder it came from, if it did."""

    call_id: str
    recording: Recording
    persona: str | None = None
    system_prompt: str = ""
    text: str = ""
    keys: tuple[Digit | Held | Moved, ...] = ()
    reference: Path | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    hung_up: bool = False  # the recorded caller hung up where the recording ends


@dataclass(slots=True)
class Found:
    """What can be replayed, and what cannot."""

    items: list[ReplayItem] = field(default_factory=list)
    errors: list[ParleyError] = field(default_factory=list)


def find(
    inputs: Sequence[Path],
    *,
    caller_channel: int | None,
    max_minutes: float,
    limit: str = MAX_MINUTES,
) -> Found:
    """Look at every input; whatever is wrong with one does not hide the others.

    ``limit`` is the key that ``max_minutes`` comes from.
    """
    found = Found()
    taken: set[str] = set()
    for path in inputs:
        for candidate in _expand(path, caller_channel):
            try:
                if isinstance(candidate, ParleyError):
                    raise candidate
                item = _item(candidate, max_minutes, limit)
            except ParleyError as error:
                found.errors.append(error)
                continue
            except OSError as error:
                where = str(error.filename or path)
                found.errors.append(InputError(where=where, what=_why(error)))
                continue
            call_id = _unique(item.call_id, taken)
            found.items.append(replace(item, call_id=call_id))
    return found


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    caller_channel: int | None
    call_folder: bool = False
    persona: str | None = None
    system_prompt: str = ""
    text: str = ""


def _expand(path: Path, channel: int | None) -> Iterator[_Candidate | ParleyError]:
    if path.is_dir():
        yield from _folder(path, channel)
    elif path.suffix in (".json", ".jsonl"):
        yield from _manifest(path, channel)
    else:
        yield _Candidate(path, channel)


def _folder(path: Path, channel: int | None) -> Iterator[_Candidate | ParleyError]:
    if (path / "call.wav").exists():
        yield _Candidate(path, 0, call_folder=True)
        return
    some = False
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and (entry / "call.wav").exists():
            some = True
            yield _Candidate(entry, 0, call_folder=True)
        elif entry.suffix.lower() in SUFFIXES:
            some = True
            yield _Candidate(entry, channel)
    if not some:
        yield InputError(
            where=str(path),
            what="no recordings and no call folders in it",
            remedy=f"recordings end in {', '.join(SUFFIXES)}",
        )


def _manifest(path: Path, channel: int | None) -> Iterator[_Candidate | ParleyError]:
    try:
        # Not splitlines: a JSON text may contain U+2028 and its like.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        yield InputError(where=str(path), what=_why(error))
        return
    if not any(map(str.strip, lines)):
        yield InputError(where=str(path), what="no recordings in it")
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _manifest_line(path, number, line, channel)
            except ConfigError as error:
                yield error


def _manifest_line(path: Path, number: int, line: str, channel: int | None) -> _Candidate:
    where = f"{path}:{number}"
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ConfigError(
            path=where,
            what=f"not JSON: {error.msg} at column {error.colno}",
            remedy='one object a line, as in {"audio_filepath": "a.wav"}',
        ) from error
    if not isinstance(row, dict) or not isinstance(row.get("audio_filepath"), str):
        raise ConfigError(path=where, what="no audio_filepath in it")
    if unknown := sorted(set(row) - MANIFEST_KEYS):
        raise ConfigError(
            path=where,
            what=f"unknown key {unknown[0]!r}",
            remedy=f"there are {', '.join(sorted(MANIFEST_KEYS))}",
        )
    for key in ("persona", "system_prompt", "text"):
        if not isinstance(row.get(key, ""), str):
            raise ConfigError(path=where, what=f"{key} must be text")
    own = row.get("caller_channel", channel)
    if own is not None and (type(own) is not int or own not in (0, 1)):
        raise ConfigError(path=where, what="caller_channel must be 0 or 1")
    return _Candidate(
        path.parent / row["audio_filepath"],
        own,
        persona=row.get("persona"),
        system_prompt=row.get("system_prompt", ""),
        text=row.get("text", ""),
    )


def _item(candidate: _Candidate, max_minutes: float, limit: str) -> ReplayItem:
    path = candidate.path
    sound = path / "call.wav" if candidate.call_folder else path
    recording = probe(
        sound, caller_channel=candidate.caller_channel, max_minutes=max_minutes, limit=limit
    )
    keys: tuple[Digit | Held | Moved, ...] = ()
    hung_up = False
    facts = {"codec": f"{recording.codec}/{recording.rate}"}
    if candidate.call_folder and (path / "timeline.jsonl").exists():
        entries = list(read(path / "timeline.jsonl", torn_ok=True))
        try:
            keys = tuple(_keys(entries))
            facts = next((dict(e.data["facts"]) for e in entries if e.type == "offer"), facts)
        except (KeyError, TypeError, ValueError) as error:
            what = f"an entry lacks what it must have: {error}"
            raise InputError(where=str(path / "timeline.jsonl"), what=what) from error
        hung_up = bool(entries) and entries[-1].data.get("reason") == "caller-left"
    return ReplayItem(
        call_id=path.resolve().name if candidate.call_folder else path.stem,
        recording=recording,
        persona=candidate.persona,
        system_prompt=candidate.system_prompt,
        text=candidate.text,
        keys=keys,
        reference=path if candidate.call_folder else None,
        facts=facts,
        hung_up=hung_up,
    )


def _keys(entries: Iterable[Entry]) -> Iterator[Digit | Held | Moved]:
    for entry in entries:
        if entry.type == "digit":
            yield Digit(entry.at, entry.data["key"])
        elif entry.type == "held":
            yield Held(entry.at, entry.data["on"])
        elif entry.type == "moved":
            yield Moved(entry.at, entry.data["source"])


def _unique(stem: str, taken: set[str]) -> str:
    """The stem as a folder name; the second of a name is ``name-2``."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-") or "call"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    taken.add(name)
    return name


def _why(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "not UTF-8 text"
