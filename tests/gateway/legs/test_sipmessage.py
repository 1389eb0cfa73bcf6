"""What is read out of a request, however it is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.sipmessage import LONGEST, codec, facts, number, parse

INVITE = "\r\n".join(
    [
        "INVITE sip:+4930123@gw.example:5060;user=phone SIP/2.0",
        'f: "A. Caller" <sip:alice@example.org;x=1>;tag=9',
        "t: <sip:+4930123@gw.example>",
        "Diversion: <sip:1@a>;reason=busy",
        "DIVERSION: <sip:2@b>",
        "X-Ticket: one",
        "\t two",
        "X-Secret: hidden",
        "",
        "v=0",
        "m=audio 4000 RTP/AVP 18 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "",
    ]
)


def test_the_facts_of_a_call() -> None:
    told = facts(INVITE, headers=("Diversion", "X-Ticket", "X-Missing"), codecs=("PCMU", "PCMA"))
    assert told == {
        "leg": "sip",
        "codec": "PCMA/8000",
        "caller": "alice",
        "callee": "+4930123",
        "diversion": "<sip:1@a>;reason=busy, <sip:2@b>",
        "x-ticket": "one two",
    }


def test_a_header_cannot_pass_for_a_fact_of_ours() -> None:
    text = "INVITE sip:1@h SIP/2.0\r\nCaller: boss\r\nLeg: memory\r\n\r\n"
    told = facts(text, headers=("Caller", "Leg"), codecs=())
    assert (told["caller"], told["leg"]) == ("", "sip")


def test_control_characters_and_long_values_are_cut() -> None:
    text = f"INVITE sip:1@h SIP/2.0\r\nX-A: a\x00b\x1bc{'d' * 999}\r\n\r\n"
    value = facts(text, headers=("X-A",), codecs=())["x-a"]
    assert value.startswith("a b c")
    assert len(value) == LONGEST


def test_octets_that_are_no_text_are_marked() -> None:
    text = b"INVITE sip:1\xff@h SIP/2.0\r\nX-A: M\xfcller \xe2\x82\xac\r\n\r\n"
    told = facts(text.decode("utf-8", "surrogateescape"), headers=("X-A",), codecs=())
    for value in told.values():
        value.encode()  # would raise
    assert told["x-a"].endswith("ller \u20ac")
    assert told["callee"].startswith("1\ufffd")


def test_numbers_of_uris() -> None:
    assert number("sip:4711@host:5060") == "4711"
    assert number('"x" <sips:bob:secret@host>') == "bob"
    assert number("tel:+49-30-1;phone-context=x") == "+49-30-1"
    assert number("<sip:gw.example:5080>") == "gw.example"
    assert number("anonymous") == ""


def test_the_first_codec_we_share() -> None:
    body = "m=audio 1 RTP/AVP 96 9 0\na=rtpmap:96 opus/48000\n"
    assert codec(body, ours=("PCMU", "G722")) == "G722/8000"
    assert codec(body, ours=("PCMA",)) == ""
    assert codec("", ours=("PCMU",)) == ""


@given(st.text(max_size=300))
def test_nothing_a_stranger_writes_raises(text: str) -> None:
    parse(text)
    told = facts(text, headers=("X-A", "Via"), codecs=("PCMU",))
    assert all(len(value) <= LONGEST for value in told.values())
    assert not any(mark < " " for value in told.values() for mark in value)
