"""Token buckets: how often something may happen. Pure: time is handed in."""

from __future__ import annotations

from collections import OrderedDict


class TokenBucket:
    """Holds ``burst`` tokens at most and gains ``per_second``; it begins full."""

    def __init__(self, *, per_second: float, burst: int, now_s: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._tokens, self._at = float(burst), now_s

    def take(self, now_s: float) -> float:
        """Take a token: 0. If there is none, take nothing: seconds until there is one."""
        wait_s = self.wait(now_s)
        if not wait_s:
            self._tokens -= 1.0
        return wait_s

    def wait(self, now_s: float) -> float:
        """Seconds until there is a token: 0 if there is one. Takes none."""
        gained = max(0.0, now_s - self._at) * self._per_second
        self._tokens = min(self._burst, self._tokens + gained)
        self._at = max(self._at, now_s)
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._per_second


class Buckets:
    """A bucket for each key. Beyond ``most`` keys the one unused for longest is forgotten."""

    def __init__(self, *, per_second: float, burst: int, most: int = 4_096) -> None:
        self._per_second, self._burst, self._most = per_second, burst, most
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now_s: float) -> float:
        """As ``TokenBucket.take``, of the bucket of ``key``."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = TokenBucket(per_second=self._per_second, burst=self._burst, now_s=now_s)
            self._buckets[key] = bucket
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now_s)

    def wait(self, key: str, now_s: float) -> float:
        """As ``TokenBucket.wait``; a key that is not known has a full bucket."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait(now_s)
