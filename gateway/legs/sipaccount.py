"""The accounts of a SIP worker (pjsua2): who takes calls, who registers, who dials.

One local account takes every call that comes in, and has no password: so no answer to a challenge
can be had from us by calling us. Accounts with passwords register and dial, nothing else.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from gateway.legs.sipfaults import guarded
from gateway.legs.sipguard import host_of, may_answer
from gateway.legs.sipprotocol import Registered
from gateway.legs.sipsettings import Account as Settings
from gateway.legs.sipsettings import WorkerSettings

if TYPE_CHECKING:
    from gateway.legs.sipendpoint import Endpoint

LOCAL = -1
FIRST_RETRY_S = 2.0
MOST_RETRY_S = 120.0
UNSENT = 503  # RFC 3261 §8.1.3.1: what a request counts as that the transport cannot send
_HOST = re.compile(r"^<?sips?:(?:[^@>]*@)?(\[[^\]]*\]|[^:;>?]*)", re.IGNORECASE)


class Account(pj.Account):  # type: ignore[misc]
    """One of ours. ``place`` is that in the settings, or ``LOCAL``."""

    def __init__(self, endpoint: Endpoint, place: int = LOCAL) -> None:
        super().__init__()
        self.faults = endpoint.faults
        self._endpoint, self.place = endpoint, place
        self._settings = None if place == LOCAL else endpoint.settings.accounts[place]
        self._failures = 0
        self.due_at: float | None = None  # when to try to register again
        self.registered = False

    @guarded
    def onIncomingCall(self, parameter: Any) -> None:
        request = parameter.rdata
        self._endpoint.came_in(
            int(parameter.callId), text=str(request.wholeMsg), source=str(request.srcAddress)
        )

    @guarded
    def onIncomingSubscribe(self, parameter: Any) -> None:
        parameter.code = 489  # the library would keep it, for as long as a stranger asks

    @guarded
    def onRegState(self, parameter: Any) -> None:
        code, reason = int(parameter.code), str(parameter.reason)
        expires_s = int(parameter.expiration) if code // 100 == 2 else 0
        self.registered = expires_s > 0
        if self._endpoint.leaving:
            return
        if self.registered:
            self._failures, self.due_at = 0, None
        else:
            self._postpone()
        self._endpoint.outbox.post(Registered(self.place, code, reason, expires_s))

    @guarded
    def onAuthChallenge(self, parameter: Any) -> None:
        """Without ``respond`` or ``abandon`` the library would answer on its own."""
        try:
            allowed = self._may_answer(parameter.rdata)
        except BaseException:
            parameter.challenge.abandon()
            raise
        if allowed:
            parameter.challenge.respond()
        else:
            parameter.challenge.abandon()

    def register_now(self) -> None:
        """Say REGISTER; what comes of it ``onRegState`` hears, unless it cannot even be sent."""
        self.due_at = None
        try:
            self.setRegistration(True)
        except pj.Error as error:
            if self.due_at is None:
                self._postpone()
                reason = str(error.reason)
                self._endpoint.outbox.post(Registered(self.place, UNSENT, reason, 0))

    def _postpone(self) -> None:
        wait_s = min(MOST_RETRY_S, FIRST_RETRY_S * 2**self._failures)
        self._failures += 1
        self.due_at = self._endpoint.now() + wait_s

    def _may_answer(self, response: Any) -> bool:
        settings = self._settings
        if settings is None:
            return False
        uris = (settings.registrar, settings.proxy, self._endpoint.settings.proxy)
        return may_answer(
            str(response.wholeMsg),
            source=host_of(str(response.srcAddress)),
            trusted={address for uri in uris for address in _addresses(uri)},
            realm=settings.realm,
        )


class Accounts:
    """All of them.

    ``local`` takes calls, ``dialling`` makes them, and may be the same one.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.local = Account(endpoint)
        self.dialling = self.local
        self._registering: list[Account] = []

    def open(self) -> None:
        """The library listens: make the accounts. ``look_after`` registers them."""
        settings = self._endpoint.settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        port = f":{settings.port}" if settings.port else ""
        self.local.create(_basic(settings, f"sip:parley@{host}{port}"), True)
        for place, account in enumerate(settings.accounts):
            if account.registers:
                one = Account(self._endpoint, place)
                one.create(_registering(settings, account))
                one.due_at = self._endpoint.now()
                self._registering.append(one)
        if settings.dial != LOCAL:
            account = settings.accounts[settings.dial]
            config = _with_password(settings, account)
            self.dialling = Account(self._endpoint, settings.dial)
            _route(config, settings.proxy or account.proxy)
            self.dialling.create(config)
        elif settings.proxy:
            self.dialling = Account(self._endpoint)
            config = _basic(settings, f"sip:parley@{host}{port}")
            _route(config, settings.proxy)
            self.dialling.create(config)

    def look_after(self, now: float) -> None:
        """Register again where that failed, after a pause."""
        for account in self._registering:
            if account.due_at is not None and now >= account.due_at:
                account.register_now()

    def leave(self) -> None:
        """Take registrations back."""
        for account in self._registering:
            account.due_at = None
            if account.registered:
                try:
                    account.setRegistration(False)
                except pj.Error as error:
                    account.faults.note("unregistering", error)
                    account.registered = False

    @property
    def registered(self) -> bool:
        """Whether calls may still be sent to us because a registrar has our address."""
        return any(account.registered for account in self._registering)


def _basic(settings: WorkerSettings, uri: str) -> Any:
    config = pj.AccountConfig()
    config.idUri = uri
    media, nat = config.mediaConfig, config.natConfig
    v6 = ":" in settings.host
    # With both, each call would ask the resolver for our own name, and wait for it.
    media.ipv6Use = pj.PJSUA_IPV6_ENABLED if v6 else pj.PJSUA_IPV6_DISABLED
    media.srtpUse = pj.PJMEDIA_SRTP_DISABLED
    transport = media.transportConfig
    transport.port = settings.rtp_port_min
    transport.portRange = settings.rtp_port_max - settings.rtp_port_min
    transport.boundAddress = settings.host
    transport.publicAddress = settings.public_host
    if settings.public_host:  # it is known better than a registrar can tell
        nat.contactRewriteUse, nat.viaRewriteUse = 0, 0
    return config


def _with_password(settings: WorkerSettings, account: Settings) -> Any:
    host = _host(account.registrar)
    config = _basic(settings, f"sip:{account.user}@{host}")
    secret = pj.AuthCredInfo("digest", account.realm, account.user, 0, account.password)
    config.sipConfig.authCreds.append(secret)
    return config


def _registering(settings: WorkerSettings, account: Settings) -> Any:
    config = _with_password(settings, account)
    registration = config.regConfig
    registration.registrarUri = account.registrar
    registration.timeoutSec = account.expires_s
    registration.registerOnAdd = False
    registration.retryIntervalSec = 0  # ours knows more causes than the library's
    _route(config, account.proxy)
    return config


def _route(config: Any, proxy: str) -> None:
    if proxy:
        config.sipConfig.proxies.append(proxy)


def _host(uri: str) -> str:
    found = _HOST.match(uri)
    return "" if found is None else found[1]


def _addresses(uri: str) -> set[str]:
    """Of the host that ``uri`` names; empty for none."""
    host = _host(uri).strip("[]")
    if not host:
        return set()
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()
