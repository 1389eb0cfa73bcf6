"""Which switchboards the settings ask for."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable, Sequence

from gateway.config import ParleyConfig, password_of, secret_of
from gateway.errors import ConfigError, PartMissing
from gateway.legs import sipbuild
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipbuild import SipBuild
from gateway.legs.sipsettings import Account, WorkerSettings, part
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsettings import IceServer, WebRtcSettings
from gateway.offers import Switchboard
from gateway.ports import check_free, check_ours, is_loopback
from gateway.sipconfig import SipConfig
from gateway.webrtcconfig import IceServerConfig, WebRtcConfig
from media.clock import Clock

logger = logging.getLogger(__name__)


def switchboards(
    config: ParleyConfig, clock: Clock, *, look: Callable[[], SipBuild | None] | None = None
) -> Sequence[Switchboard]:
    """One for each SIP worker and one for browsers, not started.

    Raises ``ConfigError`` if none can be, ``PartMissing``, ``PortTaken``.
    """
    if not (config.sip.enabled or config.webrtc.enabled):
        what = "false, and calls come in by no other way"
        remedy = "set sip.enabled=true or webrtc.enabled=true"
        raise ConfigError(path="sip.enabled", what=what, remedy=remedy)
    boards: list[Switchboard] = _by_sip(config, look=look) if config.sip.enabled else []
    if config.webrtc.enabled:
        boards.append(_by_browser(config.webrtc, clock))
    return boards


def _by_sip(
    config: ParleyConfig, *, look: Callable[[], SipBuild | None] | None
) -> list[Switchboard]:
    try:
        settings = worker_settings(config, look=look)
    except PartMissing as error:
        remedy = f"{error.remedy}; sip.enabled=false takes calls from browsers alone"
        raise PartMissing(part=error.part, why=error.why, remedy=remedy) from error
    workers = config.sip.workers
    parts = [part(settings, place, of=workers) for place in range(workers)]
    for own in parts:
        check_free(section="sip", host=own.host, port=own.port)
    return [SipSwitchboard(own) for own in parts]


def _by_browser(webrtc: WebRtcConfig, clock: Clock) -> WebRtcSwitchboard:
    check_ours(section="webrtc", host=webrtc.host)
    settings = WebRtcSettings(
        host=webrtc.host,
        public_ip=webrtc.public_ip,
        ice_servers=tuple(
            _ice_server(one, path=f"webrtc.ice_servers.{place}")
            for place, one in enumerate(webrtc.ice_servers)
        ),
        bitrate=webrtc.bitrate,
        connect_s=webrtc.connect_s,
        silent_s=webrtc.silent_s,
    )
    token = functools.partial(secrets.token_urlsafe, 16)
    return WebRtcSwitchboard(settings, clock=clock, token=token, connect=Peer)


def _ice_server(server: IceServerConfig, *, path: str) -> IceServer:
    if server.url.startswith("stun"):
        return IceServer(server.url)
    if server.shares_secret:
        secret = secret_of("secret", env=server.secret_env, file=server.secret_file, path=path)
        return IceServer(server.url, server.username, secret=secret)
    return IceServer(server.url, server.username, password_of(server, path=path))


def worker_settings(
    config: ParleyConfig, *, look: Callable[[], SipBuild | None] | None = None
) -> WorkerSettings:
    """Of all SIP workers together. Raises ``ConfigError``, ``PartMissing``."""
    build = sipbuild.look() if look is None else look()
    if build is None:
        raise PartMissing(
            part="sip.enabled",
            why="the SIP engine pjsua2 is not installed",
            remedy="make setup EXTRAS=sip has it for x86-64 with Python 3.11 and 3.12,"
            " make pjsua2 builds it elsewhere",
        )
    _check_reach(config.sip, build)
    logger.info("SIP engine: %s", build.tell())
    return _settings(config.sip, build)


def _check_reach(sip: SipConfig, build: SipBuild) -> None:
    """A build that a stranger's packet can end stays on this machine, unless that is allowed."""
    if not build.loopback_only or sip.allow_unhardened or is_loopback(sip.host):
        return
    raise ConfigError(
        path="sip.host",
        what=f"{sip.host} can be reached by others, whose packets can end {build.tell()}",
        remedy="make pjsua2 builds one that withstands them; or sip.allow_unhardened=true",
    )


def _settings(sip: SipConfig, build: SipBuild) -> WorkerSettings:
    accounts = _accounts(sip, build)
    outbound = sip.outbound
    dial = (
        [account.user for account in accounts].index(outbound.account) if outbound.account else -1
    )
    # As many calls as the build can: a call beyond the seats must get far enough to be refused.
    return WorkerSettings(
        host=sip.host,
        port=sip.port,
        public_host=sip.public_ip or "",
        rtp_port_min=sip.rtp_port_min,
        rtp_port_max=sip.rtp_port_max,
        calls=build.max_calls,
        codecs=sip.codecs,
        rate=sip.rate,
        headers=sip.headers,
        accounts=accounts,
        dial=dial,
        proxy=outbound.proxy or "",
        early_media=sip.early_media,
    )


def _accounts(sip: SipConfig, build: SipBuild) -> tuple[Account, ...]:
    if sip.registrations and not build.hardened:
        raise ConfigError(
            path="sip.registrations",
            what=f"{build.tell()} answers challenges of anybody, and so gives passwords away",
            remedy="make pjsua2 builds one that does not",
        )
    return tuple(
        Account(
            registrar=one.registrar,
            user=one.user,
            password=password_of(one, path=f"sip.registrations.{place}"),
            realm=one.realm,
            proxy=one.proxy or "",
            expires_s=one.expires_s,
            registers=one.expires_s > 0,
        )
        for place, one in enumerate(sip.registrations)
    )
