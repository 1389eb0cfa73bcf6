"""A call that we make: whom to call, and how long to let it ring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.errors import Rejected
from gateway.legs.sipcodes import refused
from gateway.legs.sipmessage import clean
from gateway.legs.sipprotocol import Ended, Progress


def _unheard(progress: Progress) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Dialling:
    """``to`` is a SIP URI; ``told`` hears how it goes on, and must not raise.

    ``ring_s``: so long after the call was sent out it is given up.
    """

    to: str
    ring_s: float = 60.0
    headers: Mapping[str, str] = field(default_factory=dict)
    told: Callable[[Progress], None] = _unheard


def rejection(ended: Ended) -> Rejected:
    """What it means that a call we made ended before it was answered."""
    said = f"{ended.code} {clean(ended.reason)}".strip()
    return Rejected(leg="sip", why=f"the far end {refused(ended.code)} ({said})", code=ended.code)
