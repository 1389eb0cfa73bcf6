"""Word error rate of English transcripts, over many recordings at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.voicechat.timestamps import strip_timestamps
from bot.worddistance import distance

_SPECIAL = re.compile(r"<[^<>\s]*>")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class WordErrors:
    """``edits``: the least number of words to put in, leave out or replace in ``recordings``
    transcripts to have the ``words`` of their references."""

    edits: int
    words: int
    recordings: int

    @property
    def rate(self) -> float:
        """Of all words together (micro-averaged), so that a long recording counts for more."""
        return self.edits / self.words


def words_of(text: str) -> list[str]:
    """Lower case, without punctuation, times and tokens in ``<>``; ``don't`` is ``dont``."""
    plain = _SPECIAL.sub(" ", strip_timestamps(text)).lower()
    return _WORD.findall(re.sub(r"['’](?=\w)", "", plain))


def word_errors(pairs: Iterable[tuple[str, str]]) -> WordErrors | None:
    """Of pairs of a reference and what was understood; None if no reference has a word.

    Pairs without a reference do not count. Where nothing was understood every word is an error:
    NeMo leaves such recordings out, and its rate may be lower for it.
    """
    edits = words = recordings = 0
    for reference, understood in pairs:
        if wanted := words_of(reference):
            edits += distance(words_of(understood), wanted)
            words += len(wanted)
            recordings += 1
    return WordErrors(edits, words, recordings) if recordings else None
