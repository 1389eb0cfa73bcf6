"""Settings of the SIP side: what is refused, and where passwords come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import load, password_of
from gateway.errors import ConfigError
from gateway.sipconfig import RegistrationConfig

ENTRY = "registrar: 'sip:pbx.example', user: '42'"


def registration(*, env: str | None = None, file: Path | None = None) -> RegistrationConfig:
    return RegistrationConfig(
        registrar="sip:pbx.example",
        user="42",
        password_env=env,
        password_file=None if file is None else str(file),
    )


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("sip.codecs=[OPUS]", r"^sip\.codecs\.0: "),
        ("sip.codecs=[PCMU,PCMU]", r"^sip\.codecs: .*once"),
        ("sip.codecs=[]", r"^sip\.codecs: "),
        ("sip.workers=0", r"^sip\.workers: "),
        ("sip.public_ip=pbx.example", r"^sip\.public_ip: .*192\.0\.2\.1"),
        ("sip.public_ip='2001:db8::1'", r"^sip: .*both be IPv4"),
        ("sip.rtp_port_max=20005", r"too few for workers: each needs 8"),
        ("sip.rtp_port_max=20000", r"rtp_port_max must be above"),
        ("sip.registrations=[{registrar: 'pbx', user: a, password_env: A}]", r"registrar: "),
        (f"sip.registrations=[{{{ENTRY}}}]", r"exactly one of password_env"),
        (
            f"sip.registrations=[{{{ENTRY}, password_env: A, password_file: b}}]",
            r"exactly one of password_env",
        ),
        (f"sip.registrations=[{{{ENTRY}, password: x}}]", r"no such key"),
        (f"sip.registrations=[{{{ENTRY}, password_env: A, expires_s: 5}}]", r"at least 30"),
        ("sip.outbound.account='42'", r"no user '42' among registrations"),
    ],
)
def test_what_is_refused(word: str, told: str) -> None:
    with pytest.raises(ConfigError, match=f"(?i){told}"):
        load([word])


@pytest.mark.parametrize(("codecs", "rate"), [("[PCMA]", 8_000), ("[PCMA,G722]", 16_000)])
def test_only_g722_needs_more_than_8_khz(codecs: str, rate: int) -> None:
    assert load([f"sip.codecs={codecs}"]).sip.rate == rate


def test_a_password_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBX_PASSWORD", "open sesame")
    assert password_of(registration(env="PBX_PASSWORD"), path="here") == "open sesame"
    monkeypatch.delenv("PBX_PASSWORD")
    with pytest.raises(ConfigError, match=r"^here\.password_env: the environment has no PBX_PASS"):
        password_of(registration(env="PBX_PASSWORD"), path="here")


def test_a_password_out_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    one = registration(file=file)
    with pytest.raises(ConfigError, match=r"^here\.password_file: cannot read .*No such file"):
        password_of(one, path="here")
    file.write_text(" open sesame \n")
    assert password_of(one, path="here") == " open sesame "
    file.write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        password_of(one, path="here")
