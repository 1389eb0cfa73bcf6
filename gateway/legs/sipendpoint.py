"""A SIP endpoint (pjsua2) behind a worker's protocol; it lives on the worker's main thread.

With ``sipcall`` and ``sipmedia`` the only file that imports the library.
"""

from __future__ import annotations

import os
from collections import deque

import pjsua2 as pj

from gateway.legs import sipmessage
from gateway.legs.sipcall import Account, Call
from gateway.legs.sipfaults import Faults
from gateway.legs.sipmedia import FAST, Port
from gateway.legs.sipoutbox import Outbox
from gateway.legs.sipprotocol import (
    Accept,
    Bye,
    Command,
    Confirmed,
    Ended,
    Incoming,
    Ready,
)
from gateway.legs.sipprotocol import Ring as RingCommand
from gateway.legs.sipring import Ring
from gateway.legs.sipsettings import WorkerSettings
from media.clock import Clock

GRAVE_S = 5.0  # an ended call is kept for so long: the library still calls back


class CannotListen(Exception):
    """A port is taken, or an address is not ours."""


class Endpoint:
    """The library, set up as ``settings`` say, with the calls it has."""

    def __init__(
        self, settings: WorkerSettings, *, outbox: Outbox, rings: dict[int, Ring], clock: Clock
    ) -> None:
        self.settings, self.outbox, self._rings, self._clock = settings, outbox, rings, clock
        self.faults = Faults()
        self._library = pj.Endpoint()
        self.account = Account(self)
        self._calls: dict[int, Call] = {}
        self._grave: deque[tuple[float, Call]] = deque()
        self._number = 0
        self._pulse: Port | None = None

    def start(self) -> None:
        """Listen. Raises ``CannotListen``."""
        settings = self.settings
        v6 = ":" in settings.host
        if v6 and not FAST:  # the package on PyPI: it would abort the process
            raise CannotListen(f"[{settings.host}]: this build has no IPv6; run make pjsua2")
        self._library.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.maxCalls = settings.calls
        config.uaConfig.userAgent = "Parley"
        config.logConfig.level = config.logConfig.consoleLevel = 1
        config.logConfig.msgLogging = 0
        media = config.medConfig
        media.clockRate = media.sndClockRate = settings.rate
        media.noVad = True  # with it, no packet is sent in silence, and peers hang up
        media.ecTailLen = 0
        media.jbMax = 200
        self._library.libInit(config)
        os.dup2(2, 1)  # from here on only errors are printed
        self._listen(pj.PJSIP_TRANSPORT_UDP6 if v6 else pj.PJSIP_TRANSPORT_UDP, "UDP")
        self._listen(pj.PJSIP_TRANSPORT_TCP6 if v6 else pj.PJSIP_TRANSPORT_TCP, "TCP")
        self._library.libStart()
        self._library.audDevManager().setNullDev()
        self._prefer(settings.codecs)
        self._open_account()
        self._pulse = Port(None, rate=settings.rate, outbox=self.outbox, faults=self.faults)
        self._pulse.startTransmit(self._pulse)
        self.outbox.post(Ready(f"pjproject {self._library.libVersion().full}"))

    def poll(self, most_ms: int) -> None:
        """Let the library work, for at most so long if there is nothing to do."""
        self._library.libHandleEvents(most_ms)

    def obey(self, command: Command) -> None:
        """Carry out what the gateway asks of one call; nothing if the call is gone."""
        match command:
            case RingCommand(call=number):
                self._answer(number, code=180)
            case Accept(call=number):
                self._answer(number, code=200)
            case Bye():
                self._hang_up(command)

    def look_after(self) -> None:
        """What has to be looked for: media that begins or stops, ACKs that never come."""
        now = self._clock.now()
        for call in list(self._calls.values()):
            try:
                self._look_at(call, now)
            except pj.Error as error:
                self.faults.note("looking at a call", error)
        while self._grave and self._grave[0][0] <= now:
            self._grave.popleft()

    def pulses(self) -> int:
        """Ticks of the media clock since asked last."""
        if self._pulse is None:
            return 0
        pulses, self._pulse.pulses = self._pulse.pulses, 0
        return pulses

    def leave(self) -> None:
        """Hang up every call."""
        self._library.hangupAllCalls()

    # ---- from callbacks ----------------------------------------------------------------------

    def came_in(self, library_id: int, *, text: str, source: str) -> None:
        """An INVITE without a call yet."""
        self._number += 1
        ring = Ring(self._number, samples=self.settings.samples, reports=self.outbox.items)
        call = Call(self, ring, library_id)
        self._calls[call.number], self._rings[call.number] = call, ring
        settings = self.settings
        facts = sipmessage.facts(text, headers=settings.headers, codecs=settings.codecs)
        address = source.rpartition(":")[0].strip("[]")
        self.outbox.post(Incoming(call.number, address, facts))

    def confirmed(self, call: Call) -> None:
        """The ACK is there."""
        call.confirmed_at = self._clock.now()
        call.media.begin(call.confirmed_at)
        self.outbox.post(Confirmed(call.number))

    def ended(self, call: Call, *, code: int, reason: str) -> None:
        """The library has let go of the call; it is kept until its last callback is past."""
        if call.over:
            return
        call.over = True
        self._calls.pop(call.number, None)
        self._rings.pop(call.number, None)
        call.media.end()
        self._grave.append((self._clock.now() + GRAVE_S, call))
        ending = Ended(call.number, int(code), str(reason), unacknowledged=call.unacknowledged)
        self.outbox.post(ending)

    # ---- on the main thread ------------------------------------------------------------------

    def _answer(self, number: int, *, code: int) -> None:
        call = self._calls.get(number)
        if call is None:
            return
        answer = pj.CallOpParam()
        answer.statusCode = code
        try:
            call.answer(answer)
        except pj.Error as error:  # the caller gave up a moment ago, or no codec suits
            self.faults.note("answering", error)
            return
        if code >= 200:
            call.answered_at = self._clock.now()

    def _hang_up(self, bye: Bye) -> None:
        call = self._calls.get(bye.call)
        if call is None:
            return
        parting = pj.CallOpParam()
        parting.statusCode, parting.reason = bye.code, bye.reason
        fields = []
        if call.answered_at is not None:
            fields.append(("Reason", f'SIP;cause={bye.code};text="{bye.reason}"'))
        elif bye.retry_after_s:
            fields.append(("Retry-After", str(bye.retry_after_s)))
        for name, value in fields:
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            parting.txOption.headers.append(header)
        try:
            call.hangup(parting)
        except pj.Error as error:
            self.faults.note("hanging up", error)

    def _look_at(self, call: Call, now: float) -> None:
        if call.answered_at is None:
            return
        if call.confirmed_at is None:
            if now - call.answered_at >= self.settings.acknowledge_s:
                call.unacknowledged, call.answered_at = True, now
                self._hang_up(Bye(call.number, 408, "no ACK"))
            return
        call.media.look(now)

    def _listen(self, kind: int, name: str) -> None:
        settings = self.settings
        transport = pj.TransportConfig()
        transport.port, transport.boundAddress = settings.port, settings.host
        try:
            self._library.transportCreate(kind, transport)
        except pj.Error as error:
            where = f"{name} {settings.host}:{settings.port}"
            raise CannotListen(f"{where}: {error.reason}") from None

    def _prefer(self, codecs: tuple[str, ...]) -> None:
        wanted = {name.upper(): 255 - place for place, name in enumerate(codecs)}
        for codec in self._library.codecEnum2():
            name = str(codec.codecId)
            self._library.codecSetPriority(name, wanted.get(name.partition("/")[0].upper(), 0))

    def _open_account(self) -> None:
        settings = self.settings
        config = pj.AccountConfig()
        v6 = ":" in settings.host
        host = f"[{settings.host}]" if v6 else settings.host
        config.idUri = f"sip:parley@{host}:{settings.port}"
        media = config.mediaConfig
        media.ipv6Use = pj.PJSUA_IPV6_ENABLED if v6 else pj.PJSUA_IPV6_DISABLED
        media.srtpUse = pj.PJMEDIA_SRTP_DISABLED
        media.transportConfig.port = settings.rtp_port_min
        media.transportConfig.portRange = settings.rtp_port_max - settings.rtp_port_min
        media.transportConfig.boundAddress = settings.host
        self.account.create(config)
