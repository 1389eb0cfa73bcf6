"""What a SIP worker and its gateway tell each other: plain values; ``sipwire`` puts them on a wire.

Events come out of the worker, commands go in; sound goes both ways, one message a tick for all
calls together. Nothing here names an engine: whoever speaks this protocol is a SIP worker.

The worker numbers the calls that come in, from 1; the gateway those it dials, from ``DIALLED``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gateway.legs.sipsettings import WorkerSettings

NOTHING = -1  # in ``Report.sent``: no packet of ours was there, so silence went out
DIALLED = 1 << 31  # the first number of a call that the gateway dials


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """A call's RTP so far (RFC 3550), all its streams together; packets, unless said otherwise.

    ``None`` where nothing was measured: a far end without RTCP tells no round trip. Of what came:
    ``discarded`` was not played, too late or dropped to shorten the jitter buffer; ``jitter`` is
    that of RFC 3550 §6.4.1; ``buffer`` is how long sound waited. Of what went out: ``lost_there``
    as the far end reports it; ``starved`` ticks in the midst of our sound had no packet of the
    gateway's, which made ``splices`` holes; ``overruns`` packets of the gateway were too many.
    ``unreported`` ticks are missing in the recording: the gateway did not take its messages.
    """

    received: int = 0
    lost: int = 0
    discarded: int = 0
    duplicates: int = 0
    sent: int = 0
    lost_there: int = 0
    jitter_ms: float | None = None
    jitter_max_ms: float | None = None
    round_trip_ms: float | None = None
    buffer_ms: float | None = None
    buffer_max_ms: float | None = None
    starved: int = 0
    splices: int = 0
    overruns: int = 0
    unreported: int = 0


# ---- out of the worker -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker listens. ``engine`` names the library and its version."""

    engine: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker cannot start, and ends: ``why`` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call came in. ``source`` is the peer's address; ``facts`` what its request says."""

    call: int
    source: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """The far end of a call we dial says ``code`` (180: it rings; 183: its sound may come)."""

    call: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The call is up both ways: our answer was acknowledged, or we acknowledged theirs.

    ``codec`` is the one agreed on, as ``NAME/rate`` of RFC 3551 (``PCMU/8000``, ``G722/8000``).
    Said again when it has changed.
    """

    call: int
    codec: str = ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """The far end pressed a key."""

    call: int
    key: str


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """The far end put the call on hold, or took it back."""

    call: int
    on: bool


@dataclass(frozen=True, slots=True)
class Silent:
    """No packet came for ``seconds`` although the call is not on hold."""

    call: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """The far end's sound comes from another address now, ``source`` (``address:port``)."""

    call: int
    source: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How the call's way has been so far; the last one comes before ``Ended``."""

    call: int
    figures: StreamFigures


@dataclass(frozen=True, slots=True)
class Registered:
    """A registrar answered for the account with number ``account``; 2xx: we can be called there."""

    account: int
    code: int
    reason: str
    expires_s: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over and its number free. ``code`` is SIP's; ``unacknowledged``: no ACK came."""

    call: int
    code: int
    reason: str
    unacknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """Once a second: how often the media clock has called back since the last beat."""

    pulses: int
    calls: int


class Report(NamedTuple):
    """One tick of one call: the number of the packet that went out, and what came in."""

    call: int
    sent: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Media:
    """A tick of all calls, or a part of it."""

    reports: tuple[Report, ...]


# ---- into the worker -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """The first command, and the only one before ``Ready``."""

    settings: WorkerSettings


@dataclass(frozen=True, slots=True)
class Ring:
    """Say that it rings: 180, or with ``early`` 183 and our answer, so that sound may flow."""

    call: int
    early: bool = False


@dataclass(frozen=True, slots=True)
class Dial:
    """Call ``to``, a SIP URI, as call number ``call``; ``headers`` go out with the INVITE."""

    call: int
    to: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer the call (200)."""

    call: int


@dataclass(frozen=True, slots=True)
class Bye:
    """End the call: ``code`` refuses what is not answered yet; of an answered call it is told why.

    ``retry_after_s`` of 0 says nothing about when to call again.
    """

    call: int
    code: int
    reason: str = ""
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """End all calls and the process."""


class Packet(NamedTuple):
    """20 ms to be sent on a call; ``number`` comes back in a ``Report``."""

    call: int
    number: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """Packets for any number of calls."""

    packets: tuple[Packet, ...]


Event: TypeAlias = (
    Ready
    | Failed
    | Incoming
    | Progress
    | Confirmed
    | Pressed
    | HoldChanged
    | Silent
    | SourceChanged
    | Measured
    | Registered
    | Ended
    | Beat
    | Media
)
Command: TypeAlias = Start | Ring | Accept | Dial | Bye | Stop | Sound
