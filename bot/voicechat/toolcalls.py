"""What the function channel asks for: tokens one by one, tool calls and faults out.

A call is ``<TOOLCALL>[{"name": …, "arguments": {…}}]</TOOLCALL>`` between two special tokens, one
token a frame, with pads in between. Two other forms are taken as well: arguments may be a text
that is JSON, and the tags may be missing, as a tokenizer may have them as specials.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tokenizers import Tokenizer

from bot.voicechat.special import SpecialTokens
from bot.voicechat.text import TextStream

OPENING, CLOSING = "<TOOLCALL>", "</TOOLCALL>"

LONGEST = 400
"""Frames (32 s) after which a call that has not ended is cut: six times an ordinary one, which
takes 60 tokens, and longer than anybody waits in silence."""


class FaultKind(StrEnum):
    """Why there is no call."""

    NOT_JSON = "not-json"
    """Nor what is left of it: numbers that JSON has not, nesting without an end."""
    NOT_A_CALL = "not-a-call"
    """JSON without a name, or with arguments that are no object."""
    TOO_LONG = "too-long"
    UNFINISHED = "unfinished"
    """Another one began, or the phone call ended, before its end."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool's name and its arguments, as the model wrote them: nothing is known of the tool.

    ``raw`` is the text between the special tokens. ``further`` are those of the same text behind
    the first one: the model was not trained to ask for several at once, and may.
    """

    name: str
    arguments: Mapping[str, Any]
    raw: str
    further: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolFault:
    """Something that began as a call, and is none."""

    kind: FaultKind
    raw: str


class ToolCallReader:
    """One row's function channel, at most ``longest`` frames of a call. Never raises.

    What is outside of calls (pads, a response that the host dictates, its end) is passed over.
    """

    def __init__(self, tokenizer: Tokenizer, ids: SpecialTokens, *, longest: int = LONGEST) -> None:
        self._tokenizer, self._ids, self._longest = tokenizer, ids, longest
        self._stream: TextStream | None = None
        self._text: list[str] = []
        self._frames = 0

    @property
    def open(self) -> bool:
        """Whether a call has begun and not ended: until then the agent is to say nothing."""
        return self._stream is not None

    def push(self, token: int) -> ToolCall | ToolFault | None:
        """The channel's token of a frame, and what it completes."""
        if token == self._ids.call_start:
            fault = self.flush()
            self._stream = TextStream(self._tokenizer, self._ids)
            return fault
        if self._stream is None:
            return None
        if token == self._ids.call_end:
            return parsed(self._taken())
        self._frames += 1
        self._text.append(self._stream.push(token))
        if self._frames >= self._longest:
            return ToolFault(FaultKind.TOO_LONG, self._taken())
        return None

    def flush(self) -> ToolFault | None:
        """At the end of the phone call: what is left of a call that has not ended."""
        return ToolFault(FaultKind.UNFINISHED, self._taken()) if self.open else None

    def _taken(self) -> str:
        """The text since the call's start, which is over with this."""
        rest = self._stream.flush() if self._stream is not None else ""
        text = "".join([*self._text, rest])
        self._stream, self._text, self._frames = None, [], 0
        return text


def parsed(raw: str) -> ToolCall | ToolFault:
    """The text between the special tokens as a call."""
    body = raw.strip().removeprefix(OPENING).removesuffix(CLOSING)
    try:
        found = _json(body)
        entries = found if isinstance(found, list) else [found]
        calls = [_call(entry, raw) for entry in entries]
    except (ValueError, RecursionError):
        return ToolFault(FaultKind.NOT_JSON, raw)
    whole = [call for call in calls if call is not None]
    if not whole or len(whole) < len(calls):
        return ToolFault(FaultKind.NOT_A_CALL, raw)
    first, *further = whole
    return ToolCall(first.name, first.arguments, raw, tuple(further))


def _call(entry: object, raw: str) -> ToolCall | None:
    """None if it is no call. Without arguments it has none."""
    if not isinstance(entry, dict):
        return None
    name, arguments = entry.get("name"), entry.get("arguments")
    if isinstance(arguments, str):
        arguments = _json(arguments) if arguments.strip() else None
    if arguments is None:
        arguments = {}
    if not (isinstance(name, str) and name.strip() and isinstance(arguments, dict)):
        return None
    return ToolCall(name.strip(), arguments, raw)


def _json(text: str) -> Any:
    """Raises ``ValueError`` also for what Python reads and no file of ours can hold: NaN, numbers
    past all bounds, half characters."""
    value = json.loads(text)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value
