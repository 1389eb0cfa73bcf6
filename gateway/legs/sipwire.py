"""The messages of ``sipprotocol`` on a Unix socket, one message a packet.

A message is one byte of kind and a body: ``E`` or ``C``, then a name and JSON, or ``M``/``S``,
then records of ``<call u32><number i32><length u16><samples>``. Samples are int16, little-endian.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from gateway.legs.sipprotocol import Command, Event, Media, Packet, Report, Sound

MESSAGE_BYTES = 1 << 17  # the largest message; below the usual limit of a socket's buffer
RECORDS = 128  # of sound in one message: 83 kB at 16 kHz

_RECORD = struct.Struct("<IiH")
_PLAIN = {b"E": get_args(Event), b"C": get_args(Command)}


class WireError(ValueError):
    """A message that is none: two ends of different versions, or our bug."""


def encode(message: Event | Command) -> bytes:
    """One packet."""
    if isinstance(message, Media):
        return b"M" + _records(message.reports)
    if isinstance(message, Sound):
        return b"S" + _records(message.packets)
    kind = b"E" if isinstance(message, _PLAIN[b"E"]) else b"C"
    return b"%b%b %b" % (
        kind,
        type(message).__name__.encode(),
        # Texts of strangers may hold octets that are no UTF-8: a far end must not break the wire.
        json.dumps(asdict(message), ensure_ascii=False).encode(errors="replace"),
    )


def decode_event(packet: bytes) -> Event:
    """What a worker said. Raises ``WireError``."""
    if packet[:1] == b"M":
        return Media(tuple(Report(*record) for record in _split(packet)))
    event: Event = _decode(packet, kind=b"E")
    return event


def decode_command(packet: bytes) -> Command:
    """What a gateway said. Raises ``WireError``."""
    if packet[:1] == b"S":
        return Sound(tuple(Packet(*record) for record in _split(packet)))
    command: Command = _decode(packet, kind=b"C")
    return command


def _records(records: Iterable[tuple[int, int, bytes]]) -> bytes:
    return b"".join(_RECORD.pack(call, number, len(pcm)) + pcm for call, number, pcm in records)


def _split(packet: bytes) -> Iterable[tuple[int, int, bytes]]:
    at = 1
    while at < len(packet):
        if at + _RECORD.size > len(packet):
            raise WireError(f"sound: {len(packet) - at} bytes too many")
        call, number, length = _RECORD.unpack_from(packet, at)
        at += _RECORD.size
        pcm = packet[at : at + length]
        if len(pcm) != length:
            raise WireError(f"sound: {length} bytes announced, {len(pcm)} there")
        at += length
        yield call, number, pcm


@cache
def _adapters(kind: bytes) -> dict[str, TypeAdapter[Any]]:
    return {cls.__name__: TypeAdapter(cls) for cls in _PLAIN[kind] if cls not in (Media, Sound)}


def _decode(packet: bytes, *, kind: bytes) -> Any:
    if packet[:1] != kind:
        raise WireError(f"kind {packet[:1]!r}, not {kind!r}")
    try:
        name, _, fields = packet[1:].partition(b" ")
        return _adapters(kind)[name.decode()].validate_json(fields, strict=True)
    except (ValueError, KeyError) as error:
        raise WireError(f"{packet[:80]!r}: {error}") from None
