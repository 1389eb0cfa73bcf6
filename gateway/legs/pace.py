"""The heartbeat of legs that keep their own time: one tick a packet, on an absolute schedule."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from itertools import count

from media.clock import Clock
from media.frame import MEDIA_RATE, PACKET

PACKET_S = PACKET / MEDIA_RATE
SLOT_S = PACKET_S / 4


def next_slot(now: float) -> float:
    """The first moment from ``now`` on, s, in which calls of this process should tick together.

    Four such slots a packet: calls that share one are woken once for all, and none waits long
    for the others of its slot. Measured with 20 calls of browsers: an eighth less processor time.
    """
    return math.ceil(now / SLOT_S) * SLOT_S


async def ticks(clock: Clock, *, began: float | None = None) -> AsyncIterator[int]:
    """0, 1, 2 … every 20 ms, from ``began`` (else now) on. A late tick does not delay those after.

    After a hold-up those that were missed come in a row, but the loop goes on between them: what
    they send goes out, and what has come meanwhile is taken in.
    """
    began = clock.now() if began is None else began
    for tick in count():
        due = began + tick * PACKET_S
        if due < clock.now():
            await asyncio.sleep(0)
        await clock.sleep_until(due)
        yield tick
