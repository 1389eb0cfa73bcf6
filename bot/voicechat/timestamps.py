"""Text with the times of its turns, as NeMo's reports of duplex models have it.

``<|t|>`` where a turn begins (BOS), ``<$t$>`` where it ends (EOS), ``<t>`` where its text ends,
which is long before, as speaking takes longer: the first pad after BOS. ``t`` in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer

from bot.voicechat.special import SpecialTokens
from bot.voicechat.text import TextStream

FRAME_S = 0.08

_STAMP = re.compile(r"<\|\d+(?:\.\d+)?\|>|<\$\d+(?:\.\d+)?\$>|<\d+(?:\.\d+)?>")


def seconds(frame: int) -> str:
    """Rounded to milliseconds, with no more digits than that takes."""
    return str(round(frame * FRAME_S, 3))


def stamped(
    tokens: Sequence[int], tokenizer: Tokenizer, ids: SpecialTokens, *, text_ends: bool = False
) -> str:
    """``tokens``, one a frame from the first of the call on, as text with times.

    What lies between two marks and the marks are joined by single spaces, also where there is
    nothing between. ``text_ends`` adds the third kind of mark; a letter that goes on behind such
    a mark comes there, whole.
    """
    stream, marks = TextStream(tokenizer, ids), dict(_marks(tokens, ids, text_ends=text_ends))
    parts, text = [], ""
    for frame, token in enumerate(tokens):
        turns = token in (ids.bos, ids.eos)  # are marks themselves, and the end of a letter
        text += stream.flush() if turns else ""
        if frame in marks:
            parts += [text, marks[frame]]
            text = ""
        text += "" if turns else stream.push(token)
    return " ".join([*parts, text + stream.flush()])


def strip_timestamps(text: str) -> str:
    """Without marks of any kind, those of training transcripts included (``<|3|>``: frames).

    Of the spaces around a mark one stays.
    """
    return re.sub(r" {2,}", " ", _STAMP.sub(" ", text)).strip()


def _marks(
    tokens: Sequence[int], ids: SpecialTokens, *, text_ends: bool
) -> Iterator[tuple[int, str]]:
    in_text = False
    for frame, token in enumerate(tokens):
        if token == ids.bos:
            in_text = True
            yield frame, f"<|{seconds(frame)}|>"
        elif token == ids.eos:
            in_text = False
            yield frame, f"<${seconds(frame)}$>"
        elif token == ids.pad and in_text:
            in_text = False
            if text_ends:
                yield frame, f"<{seconds(frame)}>"
