"""What a jitter buffer says is to be heard next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """What is to become of the next stretch of sound."""

    PLAY = "play"
    """Decode ``payload``."""
    RECOVER = "recover"
    """``payload`` is the packet *after* the missing one: decode the copy it carries."""
    CONCEAL = "conceal"
    """Make something up from what was heard before."""
    SILENCE = "silence"
    """Nothing comes."""


class Spare(Enum):
    """Whether a stretch should be left out, because what follows has waited too long."""

    NO = "no"
    IF_SILENT = "if silent"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Take:
    """``samples`` of media time and where they come from.

    Whoever leaves it out, being ``spare``, says so with ``JitterBuffer.left_out`` and takes again.
    """

    fate: Fate
    samples: int
    payload: bytes = b""
    spare: Spare = Spare.NO
