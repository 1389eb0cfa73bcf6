"""Which offers are taken, what is made of them, and what the answer says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.webrtcanswer import answer
from gateway.legs.webrtcsdp import BadOffer, Checked, check

HEAD = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1 2\n"
KEYS = (
    "c=IN IP4 0.0.0.0\na=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\na=setup:actpass\n"
)
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126 110\n" + KEYS + "a=mid:0\na=sendrecv\na=rtcp-mux\n"
    "a=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:8 PCMA/8000\na=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n"
)
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\n" + KEYS + "a=mid:1\na=sctp-port:5000\n"
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\n" + KEYS + "a=mid:2\na=rtpmap:96 VP8/90000\n"


def refusal(offer: str) -> BadOffer:
    with pytest.raises(BadOffer) as caught:
        check(offer)
    return caught.value


def test_a_browsers_offer_is_understood() -> None:
    made = check(HEAD + AUDIO + DATA)
    assert (made.codec, made.payload, made.digits) == ("opus/48000", 111, 110)
    assert made.speaks
    assert made.data
    assert "a=group:BUNDLE 0 1\r\n" in made.sdp
    assert "PCMU" not in made.sdp


@pytest.mark.parametrize(
    ("offer", "status", "said"),
    [
        ("", 400, "not SDP"),
        ('{"sdp": "v=0"}', 400, "not SDP"),
        ("v=0\nhello\n", 400, "not SDP: 'hello'"),
        (HEAD + "m=audio 99999 RTP/SAVPF 0\n", 400, "not SDP"),
        (HEAD + AUDIO * 33, 400, "33 media sections; 32 at most"),
        (HEAD, 422, "no audio"),
        (HEAD + VIDEO + DATA, 422, "no audio"),
        (HEAD + AUDIO.replace("m=audio 9", "m=audio 0"), 422, "no audio"),
        (HEAD + AUDIO.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), 422, "no audio"),
        (HEAD + AUDIO.replace("111 0 8 126 110", "9 110"), 422, "no codec in common"),
        (HEAD + AUDIO.replace("sendrecv", "recvonly"), 422, "recvonly: the bot would hear"),
        (HEAD + AUDIO.replace("sendrecv", "inactive"), 422, "inactive: the bot would hear"),
        (HEAD + AUDIO.replace("a=ice-pwd", "a=x"), 422, "no ICE credentials"),
        (HEAD + AUDIO.replace("a=rtcp-mux\n", ""), 422, "no a=rtcp-mux"),
        (HEAD + AUDIO.replace("sha-256", "md5"), 422, "no certificate of SHA-256"),
        (HEAD + AUDIO.replace("actpass", "holdconn"), 422, "a=setup:holdconn"),
        (HEAD + AUDIO.replace("a=mid:0\n", ""), 422, "a=mid of its own"),
        (HEAD + AUDIO + DATA.replace("mid:1", "mid:0"), 422, "a=mid of its own"),
    ],
)
def test_an_offer_that_cannot_be_answered_is_refused_with_its_reason(
    offer: str, status: int, said: str
) -> None:
    error = refusal(offer)
    assert error.status == status
    assert said in error.why
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("formats", "codec", "digits"),
    [("0 111", "opus/48000", None), ("8 0 126", "PCMA/8000", 126), ("0 110", "PCMU/8000", None)],
)
def test_opus_is_taken_wherever_it_stands(formats: str, codec: str, digits: int | None) -> None:
    made = check(HEAD + AUDIO.replace("111 0 8 126 110", formats))
    assert (made.codec, made.digits) == (codec, digits)


def test_what_speaks_only_is_not_spoken_to() -> None:
    assert not check(HEAD + AUDIO.replace("sendrecv", "sendonly")).speaks


def test_data_outside_the_bundle_is_not_taken() -> None:
    assert not check(HEAD.replace("BUNDLE 0 1 2", "BUNDLE 0 2") + AUDIO + DATA).data


@pytest.mark.parametrize(
    ("candidate", "kept"),
    [
        ("1 1 udp 2130706431 192.0.2.7 5000 typ host", True),
        ("1 1 UDP 1 2001:db8::7 5000 typ srflx raddr 0.0.0.0 rport 0 generation 0", True),
        ("1 1 udp 1 f00-ba5.local 5000 typ host", False),
        ("1 1 tcp 1 192.0.2.7 9 typ host tcptype active", False),
        ("1 2 udp 1 192.0.2.7 5000 typ host", False),
        ("1 1 udp 1 224.0.0.1 5000 typ host", False),
        ("1 1 udp 1 0.0.0.0 5000 typ host", False),
        ("1 1 udp 1 192.0.2.7 0 typ host", False),
        ("1 1 udp 1 192.0.2.7 5000 typ host\ra=ice-lite", False),
    ],
)
def test_only_candidates_that_can_be_reached_are_kept(candidate: str, kept: bool) -> None:
    made = check(HEAD + AUDIO + f"a=candidate:{candidate}\na=end-of-candidates\n")
    understood = candidate.partition(" raddr")[0]
    assert (f"a=candidate:{understood}\r\n" in made.sdp) == kept
    assert "raddr" not in made.sdp
    assert "end-of-candidates" not in made.sdp


@given(st.text(max_size=400), st.integers(0, 2000))
def test_no_line_of_a_stranger_gets_through_that_is_not_ours(noise: str, place: int) -> None:
    whole = HEAD + AUDIO + DATA + VIDEO
    place %= len(whole)
    try:
        made = check(whole[:place] + noise + whole[place:])
    except BadOffer:
        return
    assert made.sdp.isascii()
    for line in made.sdp.split("\r\n")[:-1]:
        assert line.isprintable()
        assert line[0] in "vostamc"


MADE = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
    "m=audio 4000 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 10.0.0.1\r\na=mid:0\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=candidate:1 1 udp 9 10.0.0.1 4000 typ host\r\n"
    "a=candidate:2 1 udp 8 198.51.100.9 4001 typ relay raddr 10.0.0.1 rport 4000\r\n"
    "m=application 4000 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 10.0.0.1\r\na=mid:1\r\n"
)


def answered(offer: Checked, *, public_ip: str | None = None) -> list[str]:
    text = answer(MADE, offer=offer, bitrate=20_000, public_ip=public_ip)
    assert text.endswith("\r\n")
    return text.split("\r\n")[:-1]


def test_the_answer_says_how_opus_is_to_be_sent() -> None:
    lines = answered(check(HEAD + AUDIO + DATA))
    fmtp = "a=fmtp:111 minptime=10;useinbandfec=1;maxaveragebitrate=20000;stereo=0"
    assert fmtp in lines
    assert "m=audio 4000 UDP/TLS/RTP/SAVPF 111 110" in lines
    assert "a=rtpmap:110 telephone-event/48000" in lines


def test_sections_that_are_not_taken_are_refused_in_their_place() -> None:
    lines = answered(check(HEAD + VIDEO + DATA + AUDIO))
    sections = [line for line in lines if line.startswith("m=")]
    assert [line.split()[0] for line in sections] == ["m=video", "m=application", "m=audio"]
    assert sections[0] == "m=video 0 UDP/TLS/RTP/SAVPF 96"
    assert "a=group:BUNDLE 1 0" in lines


def test_a_public_address_stands_for_our_own_and_for_no_relay() -> None:
    lines = answered(check(HEAD + AUDIO + DATA), public_ip="203.0.113.5")
    assert "a=candidate:1 1 udp 9 203.0.113.5 4000 typ host" in lines
    assert any("198.51.100.9 4001 typ relay" in line for line in lines)
    assert lines.count("c=IN IP4 203.0.113.5") == 2


def test_a_public_address_of_one_family_leaves_the_other_alone() -> None:
    own = "a=candidate:1 1 udp 9 10.0.0.1 4000 typ host"
    six = "a=candidate:3 1 udp 8 2001:db8::5 4002 typ host"
    relay = "c=IN IP4 198.51.100.9"  # where the library has its default candidate
    made = MADE.replace(own, f"{own}\r\n{six}").replace("c=IN IP4 10.0.0.1", relay)
    text = answer(made, offer=check(HEAD + AUDIO + DATA), bitrate=20_000, public_ip="203.0.113.5")
    assert "203.0.113.5 4000 typ host" in text
    assert six in text
    assert relay in text
    text = answer(made, offer=check(HEAD + AUDIO + DATA), bitrate=20_000, public_ip="2001:db8::9")
    assert own in text
    assert "2001:db8::9 4002 typ host" in text


@pytest.mark.parametrize("number", ["0111", "9" * 5_000])  # 111 to int(), and too long for it
def test_a_payload_type_that_is_no_number_is_passed_over(number: str) -> None:
    audio = AUDIO.replace("111 0", f"{number} 0").replace("rtpmap:111", f"rtpmap:{number}")
    assert check(HEAD + audio).codec == "PCMU/8000"


def test_a_port_that_is_no_number_carries_no_data() -> None:
    assert not check(HEAD + AUDIO + DATA.replace("5000", "9" * 5_000)).data


@pytest.mark.parametrize("mid", ["\\1", "\\g<0>", "a/b", "x" * 65, "é"])
def test_a_mid_is_a_token(mid: str) -> None:
    assert refusal(HEAD + AUDIO.replace("mid:0", f"mid:{mid}")).status == 422


def test_a_section_without_keys_has_those_of_its_bundle() -> None:
    bare = DATA.replace(KEYS, "a=bundle-only\n").replace("application 9", "application 0")
    made = check(HEAD + AUDIO + bare)
    assert made.data
    assert made.sdp.count("a=ice-ufrag:abcd") == 2
