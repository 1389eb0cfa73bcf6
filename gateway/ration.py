"""Lines of a log that strangers cause, in moderation, with a count of those kept back. Pure."""

from __future__ import annotations

from gateway.bucket import TokenBucket


class Ration:
    """``burst`` lines at once, ``per_second`` for long."""

    def __init__(self, *, per_second: float, burst: int, now_s: float) -> None:
        self._bucket = TokenBucket(per_second=per_second, burst=burst, now_s=now_s)
        self._kept_back = 0

    def take(self, now_s: float) -> int | None:
        """How many lines were kept back since the last one; ``None``: so is this one."""
        if self._bucket.take(now_s):
            self._kept_back += 1
            return None
        kept_back, self._kept_back = self._kept_back, 0
        return kept_back
