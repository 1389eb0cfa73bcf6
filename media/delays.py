"""How unevenly the packets of a stream arrive."""

from __future__ import annotations

from collections import deque

_LATEST = 128  # packets whose delays are compared: 2.6 s of the usual ones
_IN_TIME = 0.97  # part of them that a wait must cover
_REVIEW = 8  # packets between two looks at all of them


class Delays:
    """When each of the latest packets came less its place in the stream, in samples of media time.

    ``quickest`` is the least of these delays, which mean nothing but by their differences;
    ``spread`` is by how much the others, but for the worst 3 %, came later.
    """

    def __init__(self) -> None:
        self.quickest = self.spread = 0
        self._latest: deque[int] = deque(maxlen=_LATEST)
        self._until_review = _REVIEW

    def note(self, delay: int) -> None:
        """One more packet."""
        self._latest.append(delay)
        self.quickest = delay if len(self._latest) == 1 else min(self.quickest, delay)
        self._until_review -= 1
        if self._until_review:
            return
        self._until_review = _REVIEW
        ranked = sorted(self._latest)
        self.quickest = ranked[0]
        self.spread = ranked[int(_IN_TIME * (len(ranked) - 1))] - ranked[0]
