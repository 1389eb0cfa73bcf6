"""Where calls come from, and a call that came and is not answered yet.

Admission decides on an ``Offer`` before anything is promised to the caller. Answering is not here:
it happens in ``Leg.answer``, when a seat is warm.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from gateway.legs.base import Leg


class Offer(Protocol):
    """An incoming call, not answered yet.

    ``facts`` holds strings only: ``leg``, ``codec``, ``caller``, ``callee`` and the header fields
    the configuration allows. They come from a stranger: never feed them to a prompt unfiltered.
    ``source`` is the peer's IP address, without brackets or port.
    """

    @property
    def facts(self) -> Mapping[str, str]:
        """What is known of the call before it is answered."""

    @property
    def source(self) -> str:
        """The address the offer came from."""

    async def ring(self) -> None:
        """Tell the caller that it rings. Does nothing when the caller is gone already."""

    async def reject(
        self, code: int, *, reason: str = "", retry_after_s: int | None = None
    ) -> None:
        """Refuse the call with SIP status ``code`` (300 to 699), and free it.

        Does nothing when the caller is gone already. The leg must not be used afterwards.
        """

    def named(self, call_id: str) -> None:
        """The call that it has become."""

    def leg(self) -> Leg:
        """The call's leg; always the same one. Its ``events`` end when the caller gives up."""


class Switchboard(Protocol):
    """Where calls come from."""

    @property
    def up(self) -> bool:
        """Whether a call that came now would get as far as an offer."""

    async def start(self) -> None:
        """Begin to listen. Raises ``LegError`` when that is not possible; the text says why."""

    def offers(self) -> AsyncIterator[Offer]:
        """Calls as they come in; ends after ``close``. One reader."""

    async def close(self) -> None:
        """Take no more offers, and free everything. Calls still up are ended. May be repeated."""
