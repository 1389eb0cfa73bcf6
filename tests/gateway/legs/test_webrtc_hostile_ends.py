"""Calls end in every way there is, and nothing of any of them stays: no task, port or thread."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from bot.engines.echo import EchoEngine
from tests.gateway.calls import check, stepper_of
from tests.gateway.legs.browser import Browser, browser
from tests.gateway.legs.whipline import SDP, Line, call, hears, line, until

pytestmark = pytest.mark.live
ROUNDS = 1  # of all ways; 20 of them (200 calls) leave no more behind, but take a minute
SEATS = 4


async def hung_up(one: Browser, http: aiohttp.ClientSession) -> None:
    await http.delete(await call(one, http))


async def hung_up_twice_at_once(one: Browser, http: aiohttp.ClientSession) -> None:
    where = await call(one, http)
    await hears(one, ms=40)
    answers = await asyncio.gather(http.delete(where), http.delete(where))
    assert sorted(answer.status for answer in answers) == [200, 404]


async def hung_up_before_the_answer_was_used(one: Browser, http: aiohttp.ClientSession) -> None:
    async with http.post("/whip", data=await one.offer(), headers=SDP) as answer:
        await http.delete(answer.headers["Location"])


async def hung_up_while_connecting(one: Browser, http: aiohttp.ClientSession) -> None:
    async with http.post("/whip", data=await one.offer(), headers=SDP) as answer:
        text, where = await answer.text(), answer.headers["Location"]
    taking = asyncio.ensure_future(one.take(text))
    await asyncio.sleep(0.01)
    await http.delete(where)
    await taking


async def page_closed(one: Browser, http: aiohttp.ClientSession) -> None:
    await call(one, http)
    await hears(one, ms=40)


async def request_given_up(one: Browser, http: aiohttp.ClientSession) -> None:
    asking = asyncio.ensure_future(http.post("/whip", data=await one.offer(), headers=SDP))
    await asyncio.sleep(0.005)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        (await asking).close()


async def never_connected(one: Browser, http: aiohttp.ClientSession) -> None:
    async with http.post("/whip", data=await one.offer(), headers=SDP) as answer:
        assert answer.status == 201


async def another_certificate(one: Browser, http: aiohttp.ClientSession) -> None:
    offer = await one.offer()
    lines = [
        line.replace(line[-2:], "00" if line[-2:] != "00" else "11")
        if line.startswith("a=fingerprint:")
        else line
        for line in offer.split("\r\n")
    ]
    async with http.post("/whip", data="\r\n".join(lines), headers=SDP) as answer:
        await one.take(await answer.text())


async def unreachable(one: Browser, http: aiohttp.ClientSession) -> None:
    offer = (await one.offer()).replace("127.0.0.1", "192.0.2.1")
    async with http.post("/whip", data=offer, headers=SDP) as answer:
        assert answer.status == 201


async def other_keys(one: Browser, http: aiohttp.ClientSession) -> None:
    offer = (await one.offer()).replace("a=ice-pwd:", "a=ice-pwd:x")
    async with http.post("/whip", data=offer, headers=SDP) as answer:
        await one.take(await answer.text())


WAYS: list[Callable[[Browser, aiohttp.ClientSession], Awaitable[None]]] = [
    hung_up,
    hung_up_twice_at_once,
    hung_up_before_the_answer_was_used,
    hung_up_while_connecting,
    page_closed,
    request_given_up,
    never_connected,
    another_certificate,
    unreachable,
    other_keys,
]


def ports() -> int:
    """UDP sockets that are open."""
    gc.collect()
    every = [table.read_text().splitlines()[1:] for table in Path("/proc/self/net").glob("udp*")]
    udp = {f"socket:[{row.split()[9]}]" for rows in every for row in rows}
    links = []
    for name in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists them
            links.append(str(name.readlink()))
    return sum(link in udp for link in links)


async def ended_in(
    way: Callable[[Browser, aiohttp.ClientSession], Awaitable[None]],
    here: Line,
    http: aiohttp.ClientSession,
) -> None:
    async with browser() as one:
        await way(one, http)
        if way is not page_closed:
            await until(lambda: not here.busy)
    await until(lambda: not here.busy)


@pytest.mark.parametrize("rounds", [ROUNDS])
async def test_nothing_stays_of_calls_that_ended_in_any_way(tmp_path: Path, rounds: int) -> None:
    threads = threading.active_count()
    stepper = await stepper_of(EchoEngine(width=SEATS))
    async with line(tmp_path / "calls", stepper, connect_s=1.2) as (here, http):
        before = ports()
        for _ in range(rounds):
            for way in WAYS:
                await ended_in(way, here, http)
        await until(lambda: ports() <= before)
        await until(lambda: threading.active_count() <= threads + 2)
        async with browser() as one:  # and a seat is free
            where = await call(one, http)
            await hears(one, ms=40)
            await http.delete(where)
        await until(lambda: not here.busy)
    assert set(here.outcomes) == {"caller-left", "caller/ice-failed"}
    for folder in here.folders:
        check(folder)
