"""Browsers that traded a token for a cookie, until it runs out."""

from __future__ import annotations

from collections.abc import Callable

from gateway.http.tokens import Scope

LIFE_S = 12 * 3600
MOST = 1000  # the oldest gives way; a restart forgets all of them


class Sessions:
    """``new`` makes an unguessable word; ``now`` is in seconds of a monotonic clock."""

    def __init__(self, *, now: Callable[[], float], new: Callable[[], str]) -> None:
        self._now, self._new = now, new
        self._open: dict[str, tuple[float, frozenset[Scope]]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, scopes: frozenset[Scope]) -> str:
        """A session with these scopes; returns what the cookie says."""
        word = self._new()
        self._open[word] = self._now() + LIFE_S, scopes
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return word

    def scopes(self, word: str) -> frozenset[Scope] | None:
        """Of that session, ``None`` if there is none or it has run out."""
        until_s, scopes = self._open.get(word, (float("-inf"), None))
        if self._now() < until_s:
            return scopes
        self._open.pop(word, None)
        return None

    def end(self, word: str) -> None:
        """Forget it."""
        self._open.pop(word, None)
