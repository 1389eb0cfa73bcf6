"""What a leg is: one ordered stream in, one pulled source out. Nothing above knows its protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from bot.facts import Digit, Held
from gateway.outcome import Outcome
from media.frame import AudioFrame
from media.playout import FrameSource, Played


@dataclass(frozen=True, slots=True)
class Moved:
    """From media time ``at`` the far end's sound comes from another address, ``source``.

    It is noted and no more: engines have nothing to do with addresses.
    """

    at: int
    source: str


LegEvent: TypeAlias = AudioFrame | Digit | Held | Moved | Played
"""In order: what the caller sent, and ``Played`` for each packet that really went out."""


class Leg(Protocol):
    """The far end of a call.

    ``rate`` is the leg's own sample rate, both ways. ``facts`` is what it knows of the call
    (``leg``, ``codec``, ``caller``…): strings only, no host facts.
    """

    @property
    def rate(self) -> int:
        """Hertz."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What goes into the timeline's ``offer``."""

    @property
    def figures(self) -> Mapping[str, Any]:
        """More keys for ``call.json``, final once ``hangup`` has returned; mostly none."""

    def events(self) -> AsyncIterator[LegEvent]:
        """One ordered stream; it ends when the far end leaves. Raises ``LegError``."""

    async def answer(self, source: FrameSource) -> None:
        """Accept the call; from now on pull ``source`` once a packet, on the leg's own clock."""

    async def hangup(self, outcome: Outcome) -> None:
        """End the call and free everything. May be called twice, and before ``answer``."""
