"""What a call's figures say of its sound: the E-model (ITU-T G.107) with measured loss and delay.

Only what a gateway can measure goes in. Everything else has the model's default values; echo and
noise at the far end's telephone are not heard of here, so the result is an upper bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

BASE = 93.2
"""The rating with every parameter at its default (G.107, table 3): nothing lost, no delay."""

_UNNOTICED_MS = 100.0  # mT of G.107: less one-way delay is not noticed in a conversation


@dataclass(frozen=True, slots=True)
class Codec:
    """``impairment`` is Ie, ``robustness`` Bpl of ITU-T G.113, appendix I."""

    impairment: float
    robustness: float


G711 = Codec(impairment=0.0, robustness=25.1)
"""Either law, with concealment of lost packets, random loss (G.113, table I.2)."""


def rating(codec: Codec, *, loss: float, delay_ms: float) -> float:
    """The rating R for ``loss`` (0 to 1, random) and ``delay_ms`` from mouth to ear.

    Raises ``ValueError`` for a loss beyond 0 to 1 or a delay below 0.
    """
    if not 0.0 <= loss <= 1.0 or delay_ms < 0.0:
        raise ValueError(f"loss {loss}, delay {delay_ms} ms: loss is 0 to 1, delay 0 or more")
    percent = 100.0 * loss
    room = 95.0 - codec.impairment
    equipment = codec.impairment + room * percent / (percent + codec.robustness)
    return BASE - _late(delay_ms) - equipment


def opinion(rating: float) -> float:
    """The mean opinion score, 1 to 4.5, of a rating (G.107, annex B)."""
    if rating <= 0.0:
        return 1.0
    if rating >= 100.0:
        return 4.5
    # Between 0 and 6.5 the cubic dips below 1, which no listener can answer.
    return max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)


def _late(delay_ms: float) -> float:
    """Idd: what pure delay costs a conversation."""
    if delay_ms <= _UNNOTICED_MS:
        return 0.0
    x = math.log2(delay_ms / _UNNOTICED_MS)
    return 25.0 * (_bent(x) - 3 * _bent(x / 3) + 2)


def _bent(x: float) -> float:
    return math.pow(1 + math.pow(x, 6), 1 / 6)
