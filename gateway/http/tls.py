"""The certificate of ``http.tls``."""

from __future__ import annotations

import ssl

from gateway.errors import ConfigError
from gateway.serveconfig import TlsConfig


def context(tls: TlsConfig) -> ssl.SSLContext | None:
    """For the server's side; ``None`` if HTTP is spoken in the clear. Raises ``ConfigError``."""
    if tls.cert is None or tls.key is None:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(tls.cert, tls.key)
    except ssl.SSLError as error:  # first: it is an OSError, too
        what = "no certificate and key in PEM that belong together"
        raise ConfigError(path="http.tls", what=f"{tls.cert}, {tls.key}: {what}") from error
    except OSError as error:
        what = f"cannot read {tls.cert} and {tls.key}: {error.strerror or error}"
        raise ConfigError(path="http.tls", what=what) from error
    return made
