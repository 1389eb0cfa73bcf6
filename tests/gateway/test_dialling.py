"""What may be called."""

from __future__ import annotations

import pytest

from gateway.dialling import check_allowed, check_reachable, target_of
from gateway.errors import ConfigError
from gateway.sipconfig import OutboundConfig


@pytest.mark.parametrize(
    ("uri", "user", "host"),
    [
        ("sip:1234@pbx.example", "1234", "pbx.example"),
        ("sip:+49-30-1@192.0.2.1:5070;transport=tcp", "+49-30-1", "192.0.2.1"),
        ("sip:bot@[2001:db8::1]:5060", "bot", "2001:db8::1"),
        ("sip:*21#@pbx.example", "*21#", "pbx.example"),
    ],
)
def test_a_uri_in_its_parts(uri: str, user: str, host: str) -> None:
    target = target_of(uri)
    assert (target.user, target.host) == (user, host)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "1234",
        "tel:+4930123",
        "sips:1234@pbx.example",
        "sip:pbx.example",
        "sip:1234@pbx.example?Replaces=x",
        "sip:1234@pbx.example>;x=<",
        "sip:12 34@pbx.example",
        "sip:1234@pbx.example\r\nX-Evil: 1",
        "sip:1234@pbx.example;transport=ws",
    ],
)
def test_what_is_no_uri_to_call_is_one_line(uri: str) -> None:
    with pytest.raises(ConfigError) as told:
        target_of(uri)
    assert "\n" not in str(told.value).replace(uri, "")


def allowed(uri: str, *patterns: str) -> bool:
    try:
        check_allowed(target_of(uri), OutboundConfig(enabled=True, allow=patterns))
    except ConfigError as error:
        return error.path != "sip.outbound.allow"
    return True


def test_nothing_is_called_until_that_is_allowed() -> None:
    with pytest.raises(ConfigError, match=r"^sip\.outbound\.enabled: false"):
        check_allowed(target_of("sip:1@pbx.example"), OutboundConfig())


def test_patterns_fit_the_number_the_address_or_the_whole() -> None:
    assert allowed("sip:+49-30-123@carrier.example", "+4930*")
    assert not allowed("sip:+1900555@carrier.example", "+4930*")
    assert allowed("sip:1234@pbx.example:5070", "*@pbx.example")
    assert not allowed("sip:1234@evil.example", "*@pbx.example")
    assert allowed("sip:12@pbx.example;transport=tcp", "sip:12@pbx.example;transport=tcp")
    assert not allowed("sip:1234@pbx.example")
    assert allowed("sip:1234@pbx.example", "9*", "1[0-9][0-9]4")


def test_loopback_reaches_nobody_else() -> None:
    elsewhere = target_of("sip:1234@192.0.2.1")
    with pytest.raises(ConfigError, match=r"^sip\.host: 127\.0\.0\.1 reaches this machine alone"):
        check_reachable(elsewhere, host="127.0.0.1", proxied=False)
    check_reachable(elsewhere, host="127.0.0.1", proxied=True)
    check_reachable(elsewhere, host="192.0.2.9", proxied=False)
    check_reachable(target_of("sip:1234@127.0.0.2"), host="127.0.0.1", proxied=False)
    check_reachable(target_of("sip:1234@a.name.example"), host="127.0.0.1", proxied=False)
