"""STUN and TURN servers: names that run out, and what pages may know."""

from __future__ import annotations

from gateway.legs.webrtcsettings import CREDENTIALS_S, IceServer, WebRtcSettings, for_pages

STUN = IceServer("stun:stun.example")
KEPT = IceServer("turn:turn.example", "parley", "open sesame")
SHARED = IceServer("turn:turn.example", secret="north")


def test_names_and_passwords_that_run_out() -> None:
    # printf %s NAME | openssl dgst -sha1 -hmac north -binary | base64
    one = SHARED.at(1_700_000_000.9)
    assert one.username == str(1_700_000_000 + CREDENTIALS_S)
    assert one.password == "K+RlgFj3QLvB7WAVHfjfgMgyBeA="
    named = IceServer("turn:turn.example", "parley", secret="north").at(1_700_000_000.0)
    assert named.username == f"{1_700_000_000 + CREDENTIALS_S}:parley"
    assert named.password == "Rc9ibU9jBRf/Nj46n2uLtn/na6g="


def test_what_does_not_run_out_stays_as_it_is() -> None:
    settings = WebRtcSettings(ice_servers=(STUN, KEPT))
    assert settings.at(5.0) == settings


def test_pages_are_told_no_password_that_does_not_run_out() -> None:
    assert for_pages((STUN, KEPT), now_s=0.0) == (STUN,)
    (told,) = for_pages((SHARED,), now_s=0.0)
    assert told == SHARED.at(0.0)
    assert "north" not in told.password


def test_nothing_secret_is_in_what_is_logged() -> None:
    for one in (KEPT, SHARED, SHARED.at(0.0)):
        assert "sesame" not in repr(one)
        assert "north" not in repr(one)
        assert not one.password or one.password not in repr(one)
