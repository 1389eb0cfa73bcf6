"""A persona as the words that the model is given before a call: short, plain ASCII, bounded.

NVIDIA asks for prompts without typographic characters: the model was trained without them. Every
token of a prompt is a position of the call's context, which was two minutes in training, so what
does not fit is left out, knowledge first.

Tasks of a persona (``flows``) and transfers are not in it: nothing carries them out for this
model, and it would promise what nobody does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

LONGEST = 400
"""Tokens: as many positions as 32 seconds of a call."""

FACT = 60
"""Characters of a fact of the call that are told at most."""

_SPELLED = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **{"‹": "'", "›": "'", "…": "...", "•": "-", "·": "-", "×": "x", "÷": "/", "⁄": "/"},
        **{"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "°": " degrees ", "№": "No. "},
        **{"€": "EUR ", "£": "GBP ", "¥": "JPY ", "¢": " cents "},
        **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"},
        **{"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th"},
        **{"ı": "i", "ŧ": "t", "ħ": "h", "\u00ad": ""},
    }
)
"""What Unicode does not take apart and letters alone do not say."""

_MARKS = re.compile(r"</?s>|<SPECIAL_\d+>|<unk>")
"""The tokenizer would read them as tokens, the model as turns."""

_UNTOLD = re.compile(r"[^A-Za-z0-9 .,@+'-]")


def prompt_of(
    persona: Mapping[str, Any],
    system_prompt: str = "",
    *,
    facts: Mapping[str, str] | None = None,
    count: Callable[[str], int] | None = None,
    limit: int = LONGEST,
) -> str:
    """The system prompt of a call, ASCII, one line a thought; the same for the same arguments.

    Args:
        persona: as plain data (``bot.persona.plain``); of an empty one the rest is used alone.
        system_prompt: in the place of the persona's own.
        facts: of the call, by what they are called ("the caller's number"). They come from
            strangers: none unless whoever calls this has chosen them. Letters, digits and a few
            signs of each are told, 60 characters at most.
        count: tokens of a text; by default an estimate that is rather too high.
        limit: tokens at most. What the persona says of itself is cut at a sentence's end; a
            greeting, a fact or a piece of knowledge is in it whole or not at all.
    """
    within = _Within(count or estimated, limit)
    text = within.cut(_introduction(persona, system_prompt))
    for line in (*_greeting(persona), *_facts(facts or {})):
        text = within.added(text, line)
    title = "What you know:"
    for line in _knowledge(persona):
        known = line if title in text else f"{title}\n{line}"
        text = within.added(text, known)
    return text


def estimated(text: str) -> int:
    """Tokens of English ``text``: one for three characters, where Nemotron's tokenizer and its
    like have one for more than four."""
    return -(-len(text) // 3)


def ascii_of(text: str) -> str:
    """``text`` in ASCII: quotes, dashes and currencies spelled, accents off, other signs dropped.

    Blanks of all kinds and control characters are single spaces.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED)).translate(_SPELLED)
    kept = (" " if letter.isspace() or ord(letter) < 32 else letter for letter in plain)
    known = "".join(letter for letter in kept if letter.isascii() and letter != "\x7f")
    return " ".join(_MARKS.sub(" ", known).split())


class _Within:
    """What fits in so many tokens."""

    def __init__(self, count: Callable[[str], int], limit: int) -> None:
        self._count, self._limit = count, limit

    def fits(self, text: str) -> bool:
        return self._count(text) <= self._limit

    def added(self, text: str, line: str) -> str:
        longer = f"{text}\n{line}" if text else line
        return longer if self.fits(longer) else text

    def cut(self, text: str) -> str:
        """At the end of a sentence; of a word, where the first sentence is too long already."""
        if self.fits(text):
            return text
        for ends in (r"(?<=[.!?]) ", r" "):
            found = [
                one.start() for one in re.finditer(ends, text) if self.fits(text[: one.start()])
            ]
            if found:
                return text[: found[-1]]
        return ""


def _introduction(persona: Mapping[str, Any], system_prompt: str) -> str:
    """Who the model is, unless that is said in the system prompt, and then this."""
    own = ascii_of(system_prompt or _text(persona, "system_prompt"))
    name, company = ascii_of(_text(persona, "name")), ascii_of(_text(persona, "company"))
    if not (name and company) or (name in own and company in own):
        return own
    who = f"You are {name} and answer the phone for {company}."
    if own:
        return f"{who} {own}"
    return f"{who} Say one or two short sentences at a time. Never state a fact you were not given."


def _greeting(persona: Mapping[str, Any]) -> Iterator[str]:
    if greeting := _filled(persona, _text(persona, "greeting")):
        yield f'You have greeted the caller with: "{greeting}"'


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    for name, value in facts.items():
        called, told = _told(name), _told(value)
        if called and told:
            yield f"{called[:1].upper()}{called[1:]}: {told}."


def _told(text: str) -> str:
    return " ".join(_UNTOLD.sub(" ", ascii_of(text)).split())[:FACT].strip(" .")


def _knowledge(persona: Mapping[str, Any]) -> Iterator[str]:
    """A line for each answer, in the persona's order."""
    for answer in persona.get("answers") or ():
        says: Sequence[str] | str = answer.get("say") or ("",)
        said = _filled(persona, says if isinstance(says, str) else says[0])
        if said:
            yield f"- {ascii_of(answer.get('about') or answer.get('name') or '')}: {said}"


def _text(persona: Mapping[str, Any], key: str) -> str:
    return str(persona.get(key) or "")


def _filled(persona: Mapping[str, Any], text: str) -> str:
    """With the names that texts of a persona may hold."""
    for key in ("name", "company"):
        text = text.replace(f"{{{key}}}", _text(persona, key))
    return ascii_of(text)
