"""Who gets an answer to a digest challenge."""

from __future__ import annotations

import pytest

from gateway.legs.sipguard import host_of, may_answer

CHALLENGE = (
    "SIP/2.0 {code} No\r\nCSeq: 7 {method}\r\n"
    '{field}: Digest realm="{realm}", nonce="x", algorithm=MD5\r\n\r\n'
)


def asked(
    *,
    method: str = "REGISTER",
    field: str = "WWW-Authenticate",
    realm: str = "pbx.test",
    source: str = "192.0.2.1",
    configured: str = "pbx.test",
) -> bool:
    text = CHALLENGE.format(code=401, method=method, field=field, realm=realm)
    return may_answer(text, source=source, trusted={"192.0.2.1"}, realm=configured)


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "UPDATE"])
@pytest.mark.parametrize("field", ["WWW-Authenticate", "Proxy-Authenticate"])
def test_the_registrar_is_answered(method: str, field: str) -> None:
    assert asked(method=method, field=field)
    assert asked(method=method, field=field, realm="any other", configured="*")


@pytest.mark.parametrize("method", ["BYE", "INFO", "OPTIONS", "CANCEL", "MESSAGE", "REFER"])
def test_what_an_attacker_would_challenge_is_not_answered(method: str) -> None:
    assert not asked(method=method, configured="*")


def test_another_host_or_realm_is_not_answered() -> None:
    assert not asked(source="192.0.2.2", configured="*")
    assert not asked(realm="elsewhere")
    assert not asked(realm='pbx.test\\"', configured="pbx.test")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0 401 No\r\nCSeq: 1 REGISTER\r\n\r\n",
        'SIP/2.0 401 No\r\nCSeq: 1 REGISTER\r\nWWW-Authenticate: Basic realm="a"\r\n\r\n',
        'SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm="a"\r\n\r\n',
    ],
)
def test_what_is_no_digest_challenge_is_not_answered(text: str) -> None:
    assert not may_answer(text, source="192.0.2.1", trusted={"192.0.2.1"}, realm="*")


def test_an_address_without_its_port() -> None:
    assert host_of("192.0.2.1:5060") == "192.0.2.1"
    assert host_of("[2001:db8::1]:5060") == "2001:db8::1"
