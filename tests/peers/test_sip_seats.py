"""``parley serve`` when more is asked of it than it has: seats, and a say in who gets them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from media.clock import LoopClock
from tests.gateway.calls import summary
from tests.peers.counts import count
from tests.peers.exchange import hardened
from tests.peers.message import request, sdp
from tests.peers.serving import Served, served
from tests.peers.softphone import Softphone
from tests.peers.stranger import Liveness, Stranger

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
REFUSED = re.compile(
    r"refused code=(\d+) reason=([a-z-]+) retry_after_s=(\d+|-) source=\S+ caller='.*' callee='.*'"
)
MORE = re.compile(r"refused (\d+) more, not told one by one")


def refusals(here: Served) -> Counter[str]:
    """Reasons in the log, one line each; in a flood some have no line, and are counted."""
    text = here.log.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "refused" in line]
    assert all(len(line) < 400 for line in lines)
    reasons: Counter[str] = Counter()
    for line in lines:
        one, more = REFUSED.search(line), MORE.search(line)
        assert one or more, line
        if one:
            reasons[one[2]] += 1
        elif more:
            reasons["more"] += int(more[1])
    return reasons


async def test_the_call_beyond_the_seats_is_told_when_to_call_again(tmp_path: Path) -> None:
    async with served(tmp_path, "bot=scripted", "bot.seats=2") as here:
        server = ("127.0.0.1", here.port)
        phones = [await Softphone(server, name=f"caller{n}").open() for n in range(4)]
        for phone in phones[:2]:
            await phone.connect()
        phones[2].invite()
        refusal = await phones[2].until(503)
        assert "Retry-After: 10\r\n" in refusal
        assert 180 not in [code for code, _ in phones[2].replies]
        phones[0].bye()
        await here.ended()
        await phones[3].connect()
        for phone in (phones[1], phones[3]):
            phone.bye()
        await here.ended(2)
        for phone in phones:
            await phone.close()
        assert refusals(here) == {"full": 1}
        assert len(here.folders()) == 3


async def test_answers_without_an_acknowledgement_give_their_seats_back(tmp_path: Path) -> None:
    seats = 8 if hardened() else 3
    async with served(tmp_path, "bot=scripted", f"bot.seats={seats}") as here:
        stranger = await Stranger(("127.0.0.1", here.port)).open()
        for number in range(seats):
            await invite(stranger, number)
        for number in range(seats):
            assert await stranger.until(f"seat{number}", within_s=4) == 200
        await invite(stranger, seats)
        assert await stranger.until(f"seat{seats}", within_s=4) == 503
        for number in range(seats):
            ending = summary(await here.ended(number))["outcome"]
            assert ending == {"fault": "carrier", "reason": "signalling-lost"}
        phone = await Softphone(("127.0.0.1", here.port)).open()
        await phone.connect()
        phone.bye()
        await here.ended(seats)
        for one in (stranger, phone):
            await one.close()


@pytest.mark.skipif(not hardened(), reason="the wheel dies of it: measured, hence make pjsua2")
async def test_a_flood_of_calls_is_refused_in_one_line_each(tmp_path: Path) -> None:
    many, per_s = count(100, 400), 200
    rules = ("admission.calls_per_second=1", "admission.burst=1", "bot.seats=1")
    async with served(tmp_path, "bot=scripted", *rules) as here:
        stranger = await Stranger(("127.0.0.1", here.port)).open()
        clock = LoopClock(asyncio.get_running_loop())
        async with Liveness(stranger.server) as liveness:
            began = clock.now()
            for number in range(many):
                await invite(stranger, number)
                await clock.sleep_until(began + number / per_s)
            for number in range(many):
                assert await stranger.until(f"seat{number}", within_s=4) in (200, 503)
            await clock.sleep_until(clock.now() + 0.5)  # there is room for lines again
            await invite(stranger, many)  # brings the number of those kept back
            await stranger.until(f"seat{many}", within_s=4)
        assert max(liveness.took_s) < 1.0
        reasons = refusals(here)
        assert set(reasons) <= {"too-fast", "full", "more"}
        many += 1
        assert many - 3 <= sum(reasons.values()) == len(refused(stranger, many))
        for number in range(len(here.folders())):
            await here.ended(number)
        await stranger.close()
        phone = await Softphone(("127.0.0.1", here.port)).open()
        await phone.connect()
        phone.bye()
        await phone.close()
        assert "SIP worker lost" not in here.log.read_text(encoding="utf-8")


def refused(stranger: Stranger, many: int) -> list[int]:
    """Those of the first ``many`` calls that were not taken."""
    return [number for number in range(many) if stranger.last[f"seat{number}"] == 503]


async def invite(stranger: Stranger, number: int) -> None:
    """A sound call with Call-ID ``seat`` and its number, which nobody will acknowledge."""
    name = f"seat{number}"
    call = request("INVITE", here=stranger.here, call_id=name, number=number + 1, body=sdp())
    await stranger.send(call.wire())
