"""What a SIP library says of errors, in moderation: strangers choose how often and how much.

Measured: for a thousand spoilt requests the library prints six thousand lines, most of them the
requests themselves.
"""

from __future__ import annotations

from gateway.ration import Ration

BURST = 20  # lines
PER_SECOND = 0.2
LONGEST = 200  # characters
HARMLESS = "RTP socket bind()"  # a port is in use, the library goes on to the next


class Excerpts:
    """Lines that may be written, and how many were kept back since the last one."""

    def __init__(self, *, now_s: float) -> None:
        self._ration = Ration(per_second=PER_SECOND, burst=BURST, now_s=now_s)

    def line(self, text: str, *, now_s: float) -> str | None:
        """The first line of ``text`` in ASCII, cut; ``None`` if it is not to be written."""
        if HARMLESS in text:
            return None
        kept_back = self._ration.take(now_s)
        if kept_back is None:
            return None
        first = text.strip().partition("\n")[0].strip()[:LONGEST]
        plain = "".join(mark if " " <= mark <= "~" else "?" for mark in first)
        return f"{plain} ({kept_back} lines kept back)" if kept_back else plain
