"""What ``parley doctor`` says of one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``needed``: without it Parley cannot do what it promises."""

    what: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True
