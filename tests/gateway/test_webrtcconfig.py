"""Settings of calls from browsers."""

from __future__ import annotations

import pytest

from gateway.config import load
from gateway.errors import ConfigError

TURN = "url: 'turn:turn.example:3478?transport=tcp'"


def test_a_stun_and_a_turn_server_may_be_named() -> None:
    servers = f"[{{url: 'stun:192.0.2.1'}}, {{{TURN}, username: u, password_file: /run/secret}}]"
    config = load([f"webrtc.ice_servers={servers}", "webrtc.public_ip='2001:db8::1'"])
    stun, turn = config.webrtc.ice_servers
    assert (stun.url, turn.username, turn.password_file) == ("stun:192.0.2.1", "u", "/run/secret")
    assert config.webrtc.public_ip == "2001:db8::1"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("webrtc.host=parley.example", "write an address, not a name"),
        ("webrtc.public_ip=300.1.1.1", "write an address, not a name"),
        ("webrtc.bitrate=500", "greater than or equal to 6000"),
        ("webrtc.ice_servers=[{url: 'http://192.0.2.1'}]", "write stun:host, turn:host or turns"),
        ("webrtc.ice_servers=[{url: 'stun:[2001:db8::1]'}]", "an IPv6 address needs a name"),
        ("webrtc.ice_servers=[{url: 'stun:a:70000'}]", "there is no port 70000"),
        ("webrtc.ice_servers=[{url: 'stun:a?transport=udp'}]", "belongs to turn and turns"),
        ("webrtc.ice_servers=[{url: 'turns:a?transport=udp'}]", "which needs tcp"),
        ("webrtc.ice_servers=[{url: 'stun:a'}, {url: 'stun:b'}]", "one STUN and one TURN server"),
        (f"webrtc.ice_servers=[{{{TURN}}}]", "a TURN server has exactly one of password_env"),
        (f"webrtc.ice_servers=[{{{TURN}, password_env: A}}]", "with a password has a username"),
        (f"webrtc.ice_servers=[{{{TURN}, password_env: A, secret_env: B}}]", "has exactly one"),
        (f"webrtc.ice_servers=[{{{TURN}, username: 'a\"b', secret_env: B}}]", "match pattern"),
        (f"webrtc.ice_servers=[{{{TURN}, username: u}}]", "exactly one of password_env"),
        ("webrtc.ice_servers=[{url: 'stun:a', username: u}]", "a STUN server has neither"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(word: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load([word])
    assert caught.value.path.startswith("webrtc.")
    assert said in str(caught.value)
