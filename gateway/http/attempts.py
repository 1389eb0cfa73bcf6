"""Tokens as they are tried: who is wrong too often must wait, right or not."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from gateway.bucket import Buckets
from gateway.http.problem import Problem
from gateway.http.tokens import Scope, Tokens
from gateway.ration import Ration
from gateway.source import address_of, counted_as

logger = logging.getLogger(__name__)
BURST, PER_SECOND = 10, 0.1  # wrong tokens of one source
LINES, LINES_PER_SECOND = 20, 1.0  # of the log, for all of them


class Attempts:
    """``tokens``, and who was wrong about them. ``now`` is in seconds of a monotonic clock."""

    def __init__(self, tokens: Tokens, *, now: Callable[[], float]) -> None:
        self._tokens, self._now = tokens, now
        self._wrong = Buckets(per_second=PER_SECOND, burst=BURST)
        self._lines = Ration(per_second=LINES_PER_SECOND, burst=LINES, now_s=now())

    def scopes(self, token: str, *, source: str | None) -> frozenset[Scope] | None:
        """Of that token, ``None`` if it is not known. ``source`` is the address that tries it.

        Raises ``Problem`` (429) for as long as too many of that source's were wrong.
        """
        address, now_s = address_of(source or ""), self._now()
        key = "" if address is None else counted_as(address)
        if wait_s := self._wrong.wait(key, now_s):
            retry = {"Retry-After": str(math.ceil(wait_s))}
            raise Problem(429, "too many wrong tokens came from this address", headers=retry)
        scopes = self._tokens.scopes(token)
        if scopes is None:
            self._wrong.take(key, now_s)
            self._tell(str(address or "-"), now_s)
        return scopes

    def _tell(self, source: str, now_s: float) -> None:
        kept_back = self._lines.take(now_s)
        if kept_back is not None:
            more = f" ({kept_back} more were not told)" if kept_back else ""
            logger.warning("wrong token source=%s%s", source, more)
