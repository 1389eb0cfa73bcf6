"""Where a call's sound comes from, and when that has really changed.

The library follows a new address after 100 packets in a row from it, and tells nobody. All that
can be seen is where the last packet came from, a stranger's among them. So an address that is new
is watched closely, and believed when for as long as those packets take no other was seen.
"""

from __future__ import annotations

CONVINCED_S = 2.0  # 100 packets


class Source:
    """Follows one call's source of packets; ``address:port`` texts in, changes out."""

    def __init__(self) -> None:
        self._known = self._other = ""
        self._since_s = 0.0

    @property
    def watched(self) -> bool:
        """Whether it should be asked for as often as packets come, and not once a second."""
        return bool(self._other)

    def seen(self, address: str, *, now_s: float) -> str | None:
        """The last packet came from ``address``; returns it if the call's sound moved there."""
        if not address or address == self._known:
            self._other = ""
            return None
        if not self._known:
            self._known = address
            return None
        if address != self._other:
            self._other, self._since_s = address, now_s
            return None
        if now_s - self._since_s < CONVINCED_S:
            return None
        self._known, self._other = address, ""
        return address
