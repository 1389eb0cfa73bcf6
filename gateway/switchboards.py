"""Which switchboards the settings ask for."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Sequence

from gateway.config import ParleyConfig
from gateway.errors import ConfigError, PartMissing
from gateway.legs import sipbuild
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipbuild import SipBuild
from gateway.legs.sipsettings import WorkerSettings
from gateway.offers import Switchboard
from gateway.ports import check_free
from gateway.serveconfig import SipConfig
from media.clock import Clock

logger = logging.getLogger(__name__)


def switchboards(
    config: ParleyConfig, clock: Clock, *, look: Callable[[], SipBuild | None] | None = None
) -> Sequence[Switchboard]:
    """Not started. Raises ``ConfigError`` if none can be, ``PartMissing``, ``PortTaken``."""
    if not config.sip.enabled:
        what = "false, and calls come in by no other way"
        raise ConfigError(path="sip.enabled", what=what, remedy="set sip.enabled=true")
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
    check_free(section="sip", host=config.sip.host, port=config.sip.port)
    return [SipSwitchboard(_settings(config.sip, build))]


def _check_reach(sip: SipConfig, build: SipBuild) -> None:
    """A build that a stranger's packet can end stays on this machine, unless that is allowed."""
    if not build.loopback_only or sip.allow_unhardened or _is_loopback(sip.host):
        return
    raise ConfigError(
        path="sip.host",
        what=f"{sip.host} can be reached by others, whose packets can end {build.tell()}",
        remedy="make pjsua2 builds one that withstands them; or sip.allow_unhardened=true",
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _settings(sip: SipConfig, build: SipBuild) -> WorkerSettings:
    # As many calls as the build can: a call beyond the seats must get far enough to be refused.
    return WorkerSettings(
        host=sip.host,
        port=sip.port,
        rtp_port_min=sip.rtp_port_min,
        rtp_port_max=sip.rtp_port_max,
        calls=build.max_calls,
        codecs=sip.codecs,
        headers=sip.headers,
    )
