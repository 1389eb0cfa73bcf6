"""The tables of the call index, and what a call's row says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, MetaData, String, Table, Text

from media.frame import MEDIA_RATE

APPLICATION = 0x5061726C
"""``PRAGMA application_id`` of our files: "Parl"."""

VERSION = 1
"""``PRAGMA user_version``; another number, other tables."""

METADATA = MetaData()

CALLS = Table(
    "calls",
    METADATA,
    Column("call_id", String, primary_key=True),
    Column("began", String),  # ISO 8601
    Column("leg", String),
    Column("persona", String),
    Column("engine", String),
    Column("fault", String),
    Column("reason", String),
    Column("seconds", Float),
    Column("document", Text, nullable=False),  # call.json
    # Each is a filter of /v1/calls in the order in which it lists.
    Index("calls_by_leg", "leg", "call_id"),
    Index("calls_by_fault", "fault", "call_id"),
    Index("calls_by_reason", "reason", "call_id"),
)

DAYS = Table(
    "days",
    METADATA,
    Column("day", String, primary_key=True),  # yyyymmdd
    # Of the day's folder when all its calls were over and had their rows; 0: not so.
    Column("stamp", BigInteger, nullable=False),
)


def row_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a call of which ``call.json`` says that; fields of other types stay empty."""
    ended = call.get("outcome")
    outcome: Mapping[str, Any] = ended if isinstance(ended, dict) else {}
    return {
        "call_id": call["call_id"],
        "began": _text(call.get("started")),
        "leg": _text(call.get("leg")),
        "persona": _text(call.get("persona")),
        "engine": _text(call.get("engine")),
        "fault": _text(outcome.get("fault")),
        "reason": _text(outcome.get("reason")),
        "seconds": _seconds(call.get("duration")),
        # In ASCII: JSON can escape what UTF-8 cannot say (halves of surrogate pairs).
        "document": json.dumps(call, separators=(",", ":")),
    }


def _text(value: object) -> str | None:
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def _seconds(samples: object) -> float | None:
    try:
        return samples / MEDIA_RATE if isinstance(samples, int) else None
    except OverflowError:
        return None
