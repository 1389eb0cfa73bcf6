"""What the SIP library (pjsua2) calls back of calls, on a worker's main thread.

Callbacks copy to plain values and return: no call is answered in them, and no object of the
library outlives them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from gateway.legs import sipinfo
from gateway.legs.sipfaults import Faults, guarded
from gateway.legs.siplog import Excerpts
from gateway.legs.sipmedia import CallMedia
from gateway.legs.sipprotocol import Pressed, Progress
from gateway.legs.sipring import Ring
from media.clock import Clock

if TYPE_CHECKING:
    from gateway.legs.sipendpoint import Endpoint

logger = logging.getLogger("sip-worker")
KEYS = frozenset("0123456789*#ABCD")  # RFC 4733 §3.2


class LibraryLog(pj.LogWriter):  # type: ignore[misc]
    """What the library would print, in moderation. Called on any thread."""

    def __init__(self, *, clock: Clock, faults: Faults) -> None:
        super().__init__()
        self.faults = faults
        self._clock, self._excerpts = clock, Excerpts(now_s=clock.now())

    @guarded
    def write(self, entry: Any) -> None:
        line = self._excerpts.line(str(entry.msg), now_s=self._clock.now())
        if line is not None:
            logger.error("library: %s", line)


class Call(pj.Call):  # type: ignore[misc]
    """One call; its number is ours, because the library uses its own again."""

    def __init__(self, endpoint: Endpoint, ring: Ring, library_id: int = -1) -> None:
        dialled = library_id < 0
        account = endpoint.accounts.dialling if dialled else endpoint.accounts.local
        super().__init__(account, library_id)
        self.faults = endpoint.faults
        self.number, self._endpoint = ring.call, endpoint
        self.media = CallMedia(
            self,
            ring=ring,
            settings=endpoint.settings,
            outbox=endpoint.outbox,
            ports=endpoint.ports,
        )
        self.answered_at: float | None = None
        self.confirmed_at: float | None = None
        self.over = self.unacknowledged = False
        self.dialled, self.offered = dialled, True
        self._redirected: tuple[int, str] | None = None

    @guarded
    def onCallState(self, parameter: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._endpoint.confirmed(self)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            code, reason = self._redirected or (info.lastStatusCode, info.lastReason)
            self._endpoint.ended(self, code=code, reason=reason)
        elif self.dialled and info.lastStatusCode > 100:
            code, reason = int(info.lastStatusCode), str(info.lastReason)
            self._endpoint.outbox.post(Progress(self.number, code, reason))

    @guarded
    def onCallMediaState(self, parameter: Any) -> None:
        info = self.getInfo()  # kept: its media would be freed with it
        for index in range(len(info.media)):
            media = info.media[index]
            if media.type == pj.PJMEDIA_TYPE_AUDIO:
                self.media.connect(index=index, status=media.status)
                return

    @guarded
    def onDtmfDigit(self, parameter: Any) -> None:
        key = str(parameter.digit).upper()
        if key in KEYS:  # INFO brings whatever stands in its body
            self._endpoint.outbox.post(Pressed(self.number, key))

    @guarded
    def onCallTsxState(self, parameter: Any) -> None:
        event = parameter.e
        change = event.body.tsxState  # kept with its owner: its parts would be freed with it
        transaction = change.tsx
        if transaction.role != pj.PJSIP_ROLE_UAS or transaction.method not in ("INFO", "OPTIONS"):
            return
        if transaction.state != pj.PJSIP_TSX_STATE_TRYING or change.type != pj.PJSIP_EVENT_RX_MSG:
            return
        request = change.src.rdata
        if transaction.method == "OPTIONS":  # the library answers those out of calls alone
            self._endpoint.reply.ok(transaction.pjTransaction, request.pjRxData)
            return
        key = sipinfo.key_of(str(request.wholeMsg))
        if key is None:
            return
        if self._endpoint.reply.ok(transaction.pjTransaction, request.pjRxData):
            self._endpoint.outbox.post(Pressed(self.number, key))

    def onCallRedirected(self, parameter: Any) -> int:
        """Whoever is called could make us call anybody: never, and the caller is told so."""
        self._note_redirection(parameter)
        return int(pj.PJSIP_REDIRECT_STOP)

    @guarded
    def _note_redirection(self, parameter: Any) -> None:
        event = parameter.e
        change = event.body.tsxState
        transaction = change.tsx
        self._redirected = int(transaction.statusCode), str(transaction.statusText)

    @guarded
    def onStreamDestroyed(self, parameter: Any) -> None:
        self.media.leave_stream(int(parameter.streamIdx))

    @guarded
    def onCallTransferRequest(self, parameter: Any) -> None:
        parameter.statusCode = 603  # the library would dial whatever number a stranger names
