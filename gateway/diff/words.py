"""How far two transcripts of one speaker are apart, and where. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from bot.transcript import Utterance
from bot.worddistance import distance
from gateway.score.backchannel import words_of


@dataclass(frozen=True, slots=True)
class Change:
    """One utterance that is not the same. ``*_at`` is its start in media time, ``None`` where
    that side has no such utterance."""

    reference_at: int | None
    reference: str
    ours_at: int | None
    ours: str


@dataclass(frozen=True, slots=True)
class WordDiff:
    """One speaker's words. ``edits`` is the least number of words to put in, leave out or
    replace; case and punctuation do not count."""

    reference_words: int
    our_words: int
    edits: int
    changes: tuple[Change, ...]

    @property
    def rate(self) -> float | None:
        """Edits by words of the reference, as a word error rate; ``None`` of no words."""
        return self.edits / self.reference_words if self.reference_words else None


def compare_words(ours: Sequence[Utterance], reference: Sequence[Utterance]) -> WordDiff:
    """Compare what one speaker said in two calls."""
    our_words = [word for line in ours for word in words_of(line.text)]
    their_words = [word for line in reference for word in words_of(line.text)]
    return WordDiff(
        reference_words=len(their_words),
        our_words=len(our_words),
        edits=distance(our_words, their_words),
        changes=tuple(_changes(ours, reference)),
    )


def _changes(ours: Sequence[Utterance], reference: Sequence[Utterance]) -> Iterator[Change]:
    before, after = ([" ".join(words_of(line.text)) for line in side] for side in (reference, ours))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            continue
        for theirs, mine in zip_longest(reference[i1:i2], ours[j1:j2]):
            yield Change(
                reference_at=None if theirs is None else theirs.start,
                reference="" if theirs is None else theirs.text,
                ours_at=None if mine is None else mine.start,
                ours="" if mine is None else mine.text,
            )
