"""What the SIP library (pjsua2) calls back of calls and accounts, on a worker's main thread.

Callbacks copy to plain values and return: nothing is answered in them, and no object of the
library outlives them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from gateway.legs.sipfaults import guarded
from gateway.legs.sipmedia import CallMedia
from gateway.legs.sipprotocol import Pressed
from gateway.legs.sipring import Ring

if TYPE_CHECKING:
    from gateway.legs.sipendpoint import Endpoint


class Call(pj.Call):  # type: ignore[misc]
    """One call; its number is ours, because the library uses its own again."""

    def __init__(self, endpoint: Endpoint, ring: Ring, library_id: int) -> None:
        super().__init__(endpoint.account, library_id)
        self.faults = endpoint.faults
        self.number, self._endpoint = ring.call, endpoint
        self.media = CallMedia(self, ring=ring, settings=endpoint.settings, outbox=endpoint.outbox)
        self.answered_at: float | None = None
        self.confirmed_at: float | None = None
        self.over = self.unacknowledged = False

    @guarded
    def onCallState(self, parameter: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._endpoint.confirmed(self)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._endpoint.ended(self, code=info.lastStatusCode, reason=info.lastReason)

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
        self._endpoint.outbox.post(Pressed(self.number, str(parameter.digit)))

    @guarded
    def onCallTransferRequest(self, parameter: Any) -> None:
        parameter.statusCode = 603  # the library would dial whatever number a stranger names


class Account(pj.Account):  # type: ignore[misc]
    """Takes every call, whomever it is for."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self.faults = endpoint.faults
        self._endpoint = endpoint

    @guarded
    def onIncomingCall(self, parameter: Any) -> None:
        request = parameter.rdata
        self._endpoint.came_in(
            int(parameter.callId), text=str(request.wholeMsg), source=str(request.srcAddress)
        )
