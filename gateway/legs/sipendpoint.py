"""A SIP endpoint (pjsua2) behind a worker's protocol; it lives on the worker's main thread.

With ``sipaccount``, ``sipcall`` and ``sipmedia`` the only file that imports the library.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from typing import Any

import pjsua2 as pj

from gateway.legs import sipmessage
from gateway.legs.sipaccount import Accounts
from gateway.legs.sipcall import Call, LibraryLog
from gateway.legs.sipfaults import Faults, guarded
from gateway.legs.sipguard import host_of
from gateway.legs.sipinfo import Reply
from gateway.legs.sipmedia import FAST, Port, Ports
from gateway.legs.sipoutbox import Outbox
from gateway.legs.sipprotocol import (
    Accept,
    Bye,
    Command,
    Confirmed,
    Dial,
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


class Library(pj.Endpoint):  # type: ignore[misc]
    """The library, which asks which account takes a call that comes in."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults
        self.local = -1

    @guarded
    def onSelectAccount(self, parameter: Any) -> None:
        parameter.accountIndex = self.local  # another has a password: see sipaccount


class Endpoint:
    """The library, set up as ``settings`` say, with the calls it has."""

    def __init__(
        self, settings: WorkerSettings, *, outbox: Outbox, rings: dict[int, Ring], clock: Clock
    ) -> None:
        self.settings, self.outbox, self._rings, self._clock = settings, outbox, rings, clock
        self.reply = Reply()
        self.faults = Faults()
        self._library = Library(self.faults)
        self._log = LibraryLog(clock=clock, faults=self.faults)
        self.ports = Ports(settings=settings, outbox=outbox, faults=self.faults)
        self.accounts = Accounts(self)
        self.leaving = False
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
        config.logConfig.writer = self._log
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
        self.accounts.open()
        self._library.local = self.accounts.local.getId()
        self._pulse = self.ports.take(None)
        self._pulse.startTransmit(self._pulse)
        self.outbox.post(Ready(f"pjproject {self._library.libVersion().full}"))

    def poll(self, most_ms: int) -> None:
        """Let the library work, for at most so long if there is nothing to do."""
        self._library.libHandleEvents(most_ms)

    def obey(self, command: Command) -> None:
        """Carry out what the gateway asks of one call; nothing if the call is gone."""
        match command:
            case RingCommand(call=number, early=early):
                self._answer(number, code=183 if early and self._offered(number) else 180)
            case Accept(call=number):
                self._answer(number, code=200)
            case Dial():
                self._dial(command)
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
        self._bury(now)
        self.accounts.look_after(now)

    def pulses(self) -> int:
        """Ticks of the media clock since asked last."""
        if self._pulse is None:
            return 0
        pulses, self._pulse.pulses = self._pulse.pulses, 0
        return pulses

    def leave(self) -> None:
        """Hang up every call, and take registrations back."""
        self.leaving = True
        self.accounts.leave()
        for call in self._calls.values():
            call.media.settle()
        self._library.hangupAllCalls()

    @property
    def busy(self) -> bool:
        """Whether a far end or a registrar has not taken note of our leave yet."""
        return bool(self._calls) or self.accounts.registered

    def now(self) -> float:
        """Seconds of the worker's clock."""
        return self._clock.now()

    # ---- from callbacks ----------------------------------------------------------------------

    def came_in(self, library_id: int, *, text: str, source: str) -> None:
        """An INVITE without a call yet."""
        self._number += 1
        ring = Ring(self._number, samples=self.settings.samples, report=self.outbox.report)
        call = Call(self, ring, library_id)
        self._calls[call.number], self._rings[call.number] = call, ring
        settings = self.settings
        facts = sipmessage.facts(text, headers=settings.headers, codecs=settings.codecs)
        call.offered = bool(facts["codec"])
        self.outbox.post(Incoming(call.number, host_of(source), facts))

    def confirmed(self, call: Call) -> None:
        """The ACK is there, or has gone out."""
        call.confirmed_at = self._clock.now()
        call.media.begin(call.confirmed_at)
        self.outbox.post(Confirmed(call.number, call.media.codec))

    def ended(self, call: Call, *, code: int, reason: str) -> None:
        """The library has let go of the call; it is kept until its last callback is past."""
        if call.over:
            return
        call.over = True
        self._calls.pop(call.number, None)
        self._rings.pop(call.number, None)
        call.media.settle()
        call.media.end()
        self._grave.append((self._clock.now() + GRAVE_S, call))
        if call.unacknowledged:
            code, reason = 408, "no ACK"
        ending = Ended(call.number, int(code), str(reason), unacknowledged=call.unacknowledged)
        self.outbox.post(ending)

    # ---- on the main thread ------------------------------------------------------------------

    def _bury(self, now: float) -> None:
        """Forget calls that ended a while ago, here and now, unless another has their number.

        With an object the library hangs up whichever call has its number by then (measured: 603).
        """
        if not self._grave or self._grave[0][0] > now:
            return
        taken = {call.getId() for call in self._calls.values()}
        kept: deque[tuple[float, Call]] = deque()
        for due, call in self._grave:
            if due > now:
                kept.append((due, call))
            elif call.getId() in taken:
                kept.append((now + GRAVE_S, call))
            else:  # its media knows it: as a cycle it would be freed at some time, on any thread
                call.media.free()
                del call.media
        self._grave = kept

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

    def _offered(self, number: int) -> bool:
        """Whether the caller named codecs: only then can sound be agreed on before the answer."""
        call = self._calls.get(number)
        return call is not None and call.offered

    def _dial(self, dial: Dial) -> None:
        ring = Ring(dial.call, samples=self.settings.samples, report=self.outbox.report)
        call = Call(self, ring)
        self._calls[call.number], self._rings[call.number] = call, ring
        option = pj.CallOpParam(True)
        option.opt.videoCount = 0
        _add(option, dial.headers)
        try:
            call.makeCall(dial.to, option)
        except pj.Error as error:  # no such host, no way there, no such URI, too many calls
            self.ended(call, code=503, reason=str(error.reason))

    def _hang_up(self, bye: Bye) -> None:
        call = self._calls.get(bye.call)
        if call is None:
            return
        parting = pj.CallOpParam()
        fields: dict[str, str] = {}
        if call.confirmed_at is not None or call.dialled:
            # Given a code, pjproject 2.17 would write a second Reason beside ours.
            fields["Reason"] = f'SIP;cause={bye.code};text="{bye.reason}"'
        else:  # of an answer without ACK, too: it goes at once by 408 alone, else after 32 s
            parting.statusCode, parting.reason = bye.code, bye.reason
        if bye.retry_after_s and call.answered_at is None:
            fields["Retry-After"] = str(bye.retry_after_s)
        _add(parting, fields)
        call.media.settle()  # the library tells nothing of a call it is told to end
        try:
            call.hangup(parting)
        except pj.Error as error:
            self.faults.note("hanging up", error)

    def _look_at(self, call: Call, now: float) -> None:
        if call.confirmed_at is not None:
            call.media.look(now)
            return
        limit_s = self.settings.acknowledge_s
        if call.answered_at is not None and now - call.answered_at >= limit_s:
            call.unacknowledged, call.answered_at = True, now
            self._hang_up(Bye(call.number, 408, "no ACK"))

    def _listen(self, kind: int, name: str) -> None:
        settings = self.settings
        transport = pj.TransportConfig()
        transport.port, transport.boundAddress = settings.port, settings.host
        transport.publicAddress = settings.public_host
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


def _add(option: Any, fields: Mapping[str, str]) -> None:
    """Header fields of what is about to be sent."""
    for name, value in fields.items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        option.txOption.headers.append(header)
