"""A stranger's rubbish does not become a log full of rubbish."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.siplog import BURST, LONGEST, PER_SECOND, Excerpts


def test_a_flood_is_told_of_in_few_lines() -> None:
    ration = Excerpts(now_s=0.0)
    lines = [ration.line(f"error {number}", now_s=number / 1_000) for number in range(10_000)]
    told = [line for line in lines if line is not None]
    assert told[:BURST] == [f"error {number}" for number in range(BURST)]
    assert len(told) == BURST + int(10 * PER_SECOND) - 1
    assert told[-1].startswith("error ")
    assert told[-1].endswith(" lines kept back)")


def test_what_was_kept_back_is_told_once() -> None:
    ration = Excerpts(now_s=0.0)
    for _ in range(BURST + 3):
        ration.line("error", now_s=0.0)
    assert ration.line("again", now_s=60.0) == "again (3 lines kept back)"
    assert ration.line("again", now_s=60.0) == "again"


def test_a_request_that_is_quoted_stays_out() -> None:
    text = " sip_endpoint.c  Missing header:\r\nINVITE sip:1 SIP/2.0\r\nVia: x\r\n"
    assert Excerpts(now_s=0.0).line(text, now_s=0.0) == "sip_endpoint.c  Missing header:"


@given(st.text())
def test_a_line_is_one_short_line(text: str) -> None:
    line = Excerpts(now_s=0.0).line(text, now_s=0.0)
    assert line is not None
    assert len(line) <= LONGEST
    assert line.isascii()
    assert line == "" or line.isprintable()


def test_a_port_in_use_is_no_error() -> None:
    text = "pjsua_media.c  RTP socket bind() at 127.0.0.1:20000 error: Address already in use"
    assert Excerpts(now_s=0.0).line(text, now_s=0.0) is None
