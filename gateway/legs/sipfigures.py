"""How a SIP call's way has been: figures of several streams as one, and what ``call.json`` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.legs.sipprotocol import StreamFigures
from media.emodel import G711, opinion, rating

# G.722 has no place on the narrow-band scale of the E-model, and another scale's number beside it
# would be read as comparable.
CODECS = {"PCMU/8000": G711, "PCMA/8000": G711}


def joined(one: StreamFigures, two: StreamFigures) -> StreamFigures:
    """Of two streams of one call, each of which a re-INVITE begins anew."""
    return StreamFigures(
        received=one.received + two.received,
        lost=one.lost + two.lost,
        discarded=one.discarded + two.discarded,
        duplicates=one.duplicates + two.duplicates,
        sent=one.sent + two.sent,
        lost_there=one.lost_there + two.lost_there,
        jitter_ms=_mean(one, two, "jitter_ms"),
        jitter_max_ms=_most(one.jitter_max_ms, two.jitter_max_ms),
        round_trip_ms=_mean(one, two, "round_trip_ms"),
        buffer_ms=_mean(one, two, "buffer_ms"),
        buffer_max_ms=_most(one.buffer_max_ms, two.buffer_max_ms),
        starved=one.starved + two.starved,
        splices=one.splices + two.splices,
        overruns=one.overruns + two.overruns,
        unreported=one.unreported + two.unreported,
    )


def score(figures: StreamFigures, *, codec: str) -> float | None:
    """The mean opinion score of what we heard; ``None`` without packets or a rating of the codec.

    Packets that came too late count as lost. Where the far end sends no RTCP its half of the way
    is unknown, and the jitter buffer is all the delay there is.
    """
    known = CODECS.get(codec)
    gone = figures.lost + figures.discarded
    expected = figures.received + figures.lost
    if known is None or not figures.received:
        return None
    delay_ms = (figures.round_trip_ms or 0.0) / 2 + (figures.buffer_ms or 0.0)
    return round(opinion(rating(known, loss=min(1.0, gone / expected), delay_ms=delay_ms)), 2)


def told(figures: StreamFigures, *, codec: str) -> Mapping[str, Any]:
    """``rtp`` of ``call.json``."""
    return {
        "received": figures.received,
        "lost": figures.lost,
        "discarded": figures.discarded,
        "duplicates": figures.duplicates,
        "jitter_ms": _pair(figures.jitter_ms, figures.jitter_max_ms),
        "buffer_ms": _pair(figures.buffer_ms, figures.buffer_max_ms),
        "round_trip_ms": _tenth(figures.round_trip_ms),
        "sent": figures.sent,
        "lost_there": figures.lost_there,
        "starved": figures.starved,
        "splices": figures.splices,
        "overruns": figures.overruns,
        "unreported": figures.unreported,
        "mos": score(figures, codec=codec),
    }


def _mean(one: StreamFigures, two: StreamFigures, name: str) -> float | None:
    """Weighted by packets: a stream of one second says less than one of a minute."""
    values: list[tuple[float, int]] = [
        (value, max(1, part.received))
        for part in (one, two)
        if (value := getattr(part, name)) is not None
    ]
    if not values:
        return None
    return sum(value * weight for value, weight in values) / sum(weight for _, weight in values)


def _most(one: float | None, two: float | None) -> float | None:
    values = [value for value in (one, two) if value is not None]
    return max(values, default=None)


def _pair(mean: float | None, most: float | None) -> dict[str, float] | None:
    if mean is None or most is None:
        return None
    return {"mean": round(mean, 1), "max": round(most, 1)}


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
