"""The certificate of ``http.tls``."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gateway.errors import ConfigError
from gateway.serveconfig import TlsConfig
from media.clock import wall_utc

logger = logging.getLogger(__name__)


def context(tls: TlsConfig, *, wall: Callable[[], datetime] = wall_utc) -> ssl.SSLContext | None:
    """For the server's side; ``None`` if HTTP is spoken in the clear. Raises ``ConfigError``."""
    if tls.cert is None or tls.key is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(tls.cert, tls.key, password=_locked)
    except ssl.SSLError as error:  # first: it is an OSError, too
        what = "no certificate and key in PEM that belong together"
        raise ConfigError(path="http.tls", what=f"{tls.cert}, {tls.key}: {what}") from error
    except OSError as error:
        what = f"cannot read {tls.cert} and {tls.key}: {error.strerror or error}"
        raise ConfigError(path="http.tls", what=what) from error
    _look_at_dates(Path(tls.cert), wall())
    return made


def _locked() -> str:
    """Called where a key has a pass phrase; without this, the library would ask the terminal."""
    what = "it has a pass phrase, and nobody is there to say it"
    remedy = "openssl pkey -in KEY -out PLAIN writes one without, for the gateway's eyes alone"
    raise ConfigError(path="http.tls.key", what=what, remedy=remedy)


def _look_at_dates(cert: Path, now: datetime) -> None:
    """Serve with it all the same: a browser may be told to go on, and a new one is on its way."""
    first = x509.load_pem_x509_certificate(cert.read_bytes())
    begins, ends = first.not_valid_before_utc, first.not_valid_after_utc
    if now > ends:
        logger.warning("http.tls.cert: %s ran out on %s: browsers refuse it", cert, ends.date())
    elif now < begins:
        logger.warning("http.tls.cert: %s begins on %s: browsers refuse it", cert, begins.date())
