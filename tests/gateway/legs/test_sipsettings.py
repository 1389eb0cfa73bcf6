"""How several workers share ports and accounts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.sipsettings import Account, WorkerSettings, part
from gateway.legs.sipsupervisor import half

ACCOUNT = Account(registrar="sip:pbx.example", user="42", password="secret")


def test_a_password_is_not_printed() -> None:
    assert "secret" not in repr(WorkerSettings(accounts=(ACCOUNT,)))


def test_one_worker_has_everything() -> None:
    whole = WorkerSettings(accounts=(ACCOUNT,), dial=0, proxy="sip:proxy.example")
    assert part(whole, 0, of=1) == whole


def test_only_the_first_one_registers_and_dials() -> None:
    whole = WorkerSettings(port=5060, accounts=(ACCOUNT,), dial=0, proxy="sip:proxy.example")
    parts = [part(whole, place, of=3) for place in range(3)]
    assert [one.port for one in parts] == [5060, 5062, 5064]
    assert [len(one.accounts) for one in parts] == [1, 0, 0]
    assert [one.dial for one in parts] == [0, -1, -1]
    assert [one.proxy for one in parts] == ["sip:proxy.example", "", ""]


@given(low=st.integers(1_024, 40_000), extra=st.integers(0, 2_000), workers=st.integers(1, 16))
def test_no_two_have_an_rtp_port_in_common(low: int, extra: int, workers: int) -> None:
    whole = WorkerSettings(rtp_port_min=low, rtp_port_max=low + 8 * workers + extra)
    halves = [
        half(part(whole, place, of=workers), upper=upper)
        for place in range(workers)
        for upper in (False, True)
    ]
    assert halves[0].rtp_port_min >= low
    assert halves[-1].rtp_port_max == whole.rtp_port_max
    for one in halves:
        assert one.rtp_port_min % 2 == 0  # RTP takes the even port
        assert one.rtp_port_max - one.rtp_port_min >= 1
    for one, other in pairwise(halves):
        assert one.rtp_port_max < other.rtp_port_min
