"""HTTPS, and what is wrong with a certificate."""

from __future__ import annotations

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from gateway.errors import ConfigError
from gateway.http.tls import context
from gateway.serveconfig import TlsConfig
from tests.gateway.http import sites

YEAR = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def certificate(folder: Path, name: str = "one", *, address: str = "127.0.0.1") -> TlsConfig:
    """Self-signed, good for eighty years."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "parley.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(YEAR)
        .not_valid_after(YEAR.replace(year=2100))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return TlsConfig(cert=str(cert), key=str(private))


@pytest.mark.live
async def test_https_and_a_cookie_for_it_alone(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    here = sites.site([], known=sites.tokens(), tls=context(tls))
    await here.start()
    try:
        assert here.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=tls.cert)
        connector = aiohttp.TCPConnector(ssl=trusted)
        async with aiohttp.ClientSession(here.url, connector=connector) as client:
            bearer = {"Authorization": "Bearer reader"}
            async with client.post("/login", headers=bearer) as got:
                assert got.status == 200
                assert got.headers["Set-Cookie"].endswith("; Secure")
    finally:
        await here.close()


def test_without_a_certificate_http_is_spoken_in_the_clear() -> None:
    assert context(TlsConfig()) is None


def test_a_certificate_without_its_key() -> None:
    with pytest.raises(ValidationError, match="a certificate needs its key"):
        TlsConfig(cert="cert.pem")


def test_files_that_do_not_belong_together_or_are_not_there(tmp_path: Path) -> None:
    one, other = certificate(tmp_path), certificate(tmp_path, "other")
    with pytest.raises(ConfigError, match=r"^http\.tls: .*that belong together$"):
        context(TlsConfig(cert=one.cert, key=other.key))
    with pytest.raises(ConfigError, match=r"^http\.tls: cannot read .*: No such file"):
        context(TlsConfig(cert=one.cert, key=str(tmp_path / "none")))


def test_a_key_with_a_pass_phrase_asks_nobody(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    key = serialization.load_pem_private_key(Path(str(tls.key)).read_bytes(), password=None)
    Path(str(tls.key)).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    with pytest.raises(ConfigError, match=r"^http\.tls\.key: it has a pass phrase"):
        context(tls)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (YEAR.replace(year=2026), ""),
        (YEAR.replace(year=2101), "ran out on 2100-01-01: browsers refuse it"),
        (YEAR.replace(year=2019), "begins on 2020-01-01: browsers refuse it"),
    ],
)
def test_a_certificate_out_of_its_time_is_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, now: datetime.datetime, said: str
) -> None:
    with caplog.at_level("WARNING"):
        assert context(certificate(tmp_path), wall=lambda: now) is not None
    assert "".join(caplog.messages).endswith(said)
    assert len(caplog.messages) == bool(said)
