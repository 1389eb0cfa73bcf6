"""Keys in the body of an INFO of the kind that pjsua2 does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.sipinfo import key_of


def info(kind: str, body: str) -> str:
    return f"INFO sip:us@192.0.2.1 SIP/2.0\r\nContent-Type: {kind}\r\n\r\n{body}"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ("5", "5"),
        ("#\r\n", "#"),
        (" * ", "*"),
        ("d", "D"),
        ("Signal=7\r\nDuration=160\r\n", "7"),
        ("10", "*"),
        ("11\r\n", "#"),
        ("12", None),
        ("x", None),
        ("", None),
        ("Signal=", None),
    ],
)
def test_bodies_as_peers_write_them(body: str, key: str | None) -> None:
    assert key_of(info("application/dtmf", body)) == key
    assert key_of(info("Application/DTMF ; charset=utf-8", body)) == key


@pytest.mark.parametrize("kind", ["application/dtmf-relay", "text/plain", "", "application/sdp"])
def test_other_kinds_are_left_to_the_library(kind: str) -> None:
    assert key_of(info(kind, "5")) is None


def test_a_compact_header_is_read() -> None:
    assert key_of("INFO sip:us@x SIP/2.0\nc: application/dtmf\n\n9") == "9"


@given(st.text(max_size=80))
def test_a_stranger_cannot_break_it(text: str) -> None:
    for said in (text, info("application/dtmf", text)):
        key = key_of(said)
        assert key is None or key in "0123456789*#ABCD"
