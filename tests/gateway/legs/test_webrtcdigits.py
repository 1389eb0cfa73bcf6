"""Keys of browsers' callers."""

from __future__ import annotations

import json

import pytest

from gateway.legs.webrtcdigits import KEYS, Presses, key_of


def test_a_press_of_many_packets_counts_once() -> None:
    presses = Presses()
    packets = [bytes((5, 10, 0, 160)), bytes((5, 10, 1, 64)), bytes((5, 0x8A, 1, 64))]
    assert [presses.take(one, timestamp=1_000) for one in packets] == ["5", None, None]
    assert presses.take(packets[0], timestamp=9_000) == "5"


def test_events_that_are_no_keys_are_left_alone() -> None:
    presses = Presses()
    assert presses.take(bytes((16, 0, 0, 0)), timestamp=1) is None
    assert presses.take(b"\x05", timestamp=2) is None
    named = [presses.take(bytes((code, 0, 0, 0)), timestamp=9 + code) for code in range(16)]
    assert named == list(KEYS)


@pytest.mark.parametrize("key", list("0#*A"))
def test_a_message_of_the_page_means_a_key(key: str) -> None:
    assert key_of(json.dumps({"type": "digit", "key": key})) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "[" * 200,
        '{"type": "digit"}',
        '{"type": "digit", "key": 5}',
        '{"type": "digit", "key": "55"}',
        '{"type": "digit", "key": ""}',
        '{"type": "digit", "key": "x"}',
        '{"type": "mute", "key": "5"}',
        '{"type": "digit", "key": "5", "more": "' + "x" * 256 + '"}',
    ],
)
def test_any_other_message_means_none(text: str) -> None:
    assert key_of(text) is None
