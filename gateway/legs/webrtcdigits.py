"""Keys that a browser's caller presses: as telephone-events, or as messages of the page. Pure."""

from __future__ import annotations

import json

KEYS = "0123456789*#ABCD"  # RFC 4733 §3.2, in the order of their codes
LONGEST = 256  # characters of a message that may mean a key


class Presses:
    """RFC 4733: a key comes as several packets of one timestamp, and counts once."""

    def __init__(self) -> None:
        self._last: int | None = None

    def take(self, payload: bytes, *, timestamp: int) -> str | None:
        """The key, if this is the first packet of a press."""
        if len(payload) < 4 or payload[0] >= len(KEYS) or timestamp == self._last:
            return None
        self._last = timestamp
        return KEYS[payload[0]]


def key_of(text: str) -> str | None:
    """The key of ``{"type": "digit", "key": "5"}``; ``None`` for any other message."""
    if len(text) > LONGEST:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("type") != "digit":
        return None
    key = message.get("key")
    return key if isinstance(key, str) and len(key) == 1 and key in KEYS else None
