"""Offers as other clients write them, and as nobody does: an answer or a reason, never a fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.legs.webrtcpeer import Peer
from gateway.legs.webrtcsdp import BadOffer, Checked, check
from gateway.legs.webrtcsettings import WebRtcSettings
from media.frame import MEDIA_RATE
from tests.gateway.calls import summary, tracks
from tests.gateway.legs.browser import RATE, browser, pitch
from tests.gateway.legs.test_webrtcsdp import AUDIO, DATA, HEAD, KEYS, VIDEO
from tests.gateway.legs.whipline import SDP, hears, line, until

G711 = 4_000  # of what the browser for tests keeps of mono at 8 kHz, taking it for stereo


def sections(offer: str) -> tuple[str, list[str]]:
    head, *rest = re.split(r"(?m)^(?=m=)", offer)
    return head, rest


def only(codec: str, payload: int) -> Callable[[str], str]:
    """The offer with that codec alone."""

    def rewritten(offer: str) -> str:
        offer = re.sub(r"(?m)^(m=audio \d+ \S+) .*$", rf"\1 {payload}\r", offer)
        return "".join(
            line
            for line in offer.splitlines(keepends=True)
            if not re.match(r"a=(rtpmap|fmtp|rtcp-fb):", line) or codec in line
        )

    return rewritten


def data_first(offer: str) -> str:
    head, (audio, data) = sections(offer)
    mids = [found[1] for part in (data, audio) if (found := re.search(r"a=mid:(\S+)", part))]
    return re.sub(r"BUNDLE .*\r", f"BUNDLE {' '.join(mids)}\r", head) + data + audio


def with_video(offer: str) -> str:
    return offer + VIDEO.replace("\n", "\r\n").replace("mid:2", "mid:9")


def with_more_audio(offer: str) -> str:
    return offer + AUDIO.replace("\n", "\r\n").replace("mid:0", "mid:9")


@pytest.mark.live
@pytest.mark.parametrize(
    ("rewrite", "codec", "rate"),
    [
        (only("PCMU", 0), "PCMU/8000", G711),
        (only("PCMA", 8), "PCMA/8000", G711),
        (with_video, "opus/48000", RATE),
        (with_more_audio, "opus/48000", RATE),
    ],
)
async def test_an_unusual_offer_is_a_call_both_ways(
    tmp_path: Path, rewrite: Callable[[str], str], codec: str, rate: int
) -> None:
    async with line(tmp_path / "calls") as (here, http), browser(hz=440.0) as one:
        offer = rewrite(await one.offer())
        async with http.post("/whip", data=offer, headers=SDP) as response:
            assert response.status == 201, await response.text()
            answer, where = await response.text(), response.headers["Location"]
        assert answer.count("\r\nm=") == offer.count("\r\nm=")
        head, parts = sections(answer)
        await one.take(head + "".join(part for part in parts if " 0 " not in part[:12]))
        await hears(one, ms=1_800 * rate // RATE)
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]
    assert summary(here.folders[0])["facts"]["codec"] == codec
    assert pitch(one.heard[rate // 2 : 3 * rate // 2], rate=rate) == pytest.approx(440, abs=1)
    left, _ = tracks(here.folders[0])
    heard = left[MEDIA_RATE // 2 : 3 * MEDIA_RATE // 2]
    assert pitch(heard, rate=MEDIA_RATE) == pytest.approx(440, abs=1)
    assert np.abs(heard).max() == pytest.approx(8_000, rel=0.1)


@pytest.mark.live
async def test_data_may_come_first(tmp_path: Path) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        async with http.post("/whip", data=data_first(await one.offer()), headers=SDP) as response:
            assert response.status == 201, await response.text()
            kinds = re.findall(r"(?m)^m=(\w+) [1-9]", await response.text())
            assert kinds == ["application", "audio"]
            await http.delete(response.headers["Location"])
        await until(lambda: bool(here.outcomes))


@pytest.mark.live
@pytest.mark.parametrize("role", ["active", "passive"])
async def test_either_end_may_begin_the_handshake(tmp_path: Path, role: str) -> None:
    async with line(tmp_path / "calls") as (here, http), browser() as one:
        offer = (await one.offer()).replace("setup:actpass", f"setup:{role}")
        async with http.post("/whip", data=offer, headers=SDP) as response:
            answer, where = await response.text(), response.headers["Location"]
        assert ("a=setup:passive" in answer) == (role == "active")
        await one.take(answer)
        await hears(one, ms=200)
        await http.delete(where)
        await until(lambda: bool(here.outcomes))
    assert here.outcomes == ["caller-left"]


class Deaf:
    """Ears of nobody."""

    def packet(self, sequence: int, timestamp: int, payload: bytes, *, source: int) -> None: ...

    def event(self, payload: bytes, *, timestamp: int) -> None: ...

    def text(self, text: str) -> None: ...

    def gone(self, error: Exception | None) -> None: ...


WORDS = st.sampled_from(
    [
        *("0", "8", "9", "111", "0111", "9" * 5_000, "opus/48000/2", "opus/48000", "PCMA/8000/1"),
        *("a=sendonly", "a=inactive", "a=setup:active", "a=setup:holdconn", "a=bundle-only"),
        *("a=ice-lite", "a=mid:\\1", "a=mid:0", "a=group:BUNDLE 1 0", "a=group:BUNDLE", "m=audio"),
        *("a=candidate:1 1 udp 1 ::1 5 typ host", "a=candidate:x 1 udp 9 127.0.0.1 5 typ relay y"),
        *("a=rtpmap:0 opus/48000/2", "a=rtpmap:111 PCMU/8000", "a=fingerprint:sha-256 AB:CD"),
        *("a=ssrc:1 cname:x", "a=extmap:1 urn:x", "a=rtcp-fb:111 nack", "RTP/SAVP", "\x00", "ü"),
    ]
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["drop", "twice", "put", "swap", "cut", "word"]), st.integers(0), WORDS
    ),
    min_size=1,
    max_size=6,
)


def changed(offer: str, changes: list[tuple[str, int, str]]) -> str:
    """The offer, its lines mistreated."""
    lines = offer.split("\n")
    for what, number, word in changes:
        place, other = number % len(lines), number * 7_919 % len(lines)
        match what:
            case "drop":
                lines[place] = ""
            case "twice":
                lines.insert(place, lines[other])
            case "put":
                lines.insert(place, word)
            case "swap":
                lines[place], lines[other] = lines[other], lines[place]
            case "cut":
                lines[place] = lines[place][: number % (len(lines[place]) + 1)]
            case "word":
                words = lines[place].split(" ")
                words[number % len(words)] = word
                lines[place] = " ".join(words)
    return "\n".join(lines)


async def answered(offer: str) -> str | None:
    """The answer; ``None`` if the offer is refused."""
    try:
        checked = check(offer)
    except BadOffer as error:
        refused = error
    else:
        return await made_of(checked)
    assert refused.status in (400, 422)
    assert str(refused).isprintable()
    return None


async def made_of(checked: Checked) -> str:
    """The library's answer, as it is sent."""
    peer = Peer(checked, WebRtcSettings(), Deaf())
    try:
        made = await peer.answer()
    finally:
        await peer.close()
    assert made.count("\nm=") == len(checked.sections)
    return made


@pytest.mark.live
@settings(max_examples=40)
@given(st.permutations([AUDIO, DATA, VIDEO]), CHANGES)
async def test_a_mistreated_offer_gets_an_answer_or_a_reason(
    order: list[str], changes: list[tuple[str, int, str]]
) -> None:
    await answered(changed(HEAD + "".join(order), changes))


@pytest.mark.live
async def test_an_offer_that_is_not_mistreated_gets_an_answer() -> None:
    made = await answered(HEAD + AUDIO + DATA + VIDEO)
    assert made is not None
    assert KEYS.split("\n")[1] not in made  # our own credentials, not theirs
