"""One stream: in order, bounded, and over once."""

from __future__ import annotations

import pytest

from bot.facts import Digit
from gateway.errors import CallerGone, LegError
from gateway.legs.base import LegEvent
from gateway.legs.stream import WAITING, LegStream


async def read(stream: LegStream) -> list[LegEvent]:
    return [event async for event in stream.read()]


async def test_what_was_put_is_read_in_order_until_the_end() -> None:
    stream = LegStream(leg="sip")
    for at in range(3):
        stream.put(Digit(at, "1"))
    assert stream.end()
    assert not stream.end(LegError(leg="sip", why="later"))
    stream.put(Digit(3, "1"))
    assert await read(stream) == [Digit(at, "1") for at in range(3)]
    with pytest.raises(CallerGone, match="the call is over"):
        stream.raise_if_over()


async def test_a_failure_is_raised_while_the_far_end_is_still_there() -> None:
    stream = LegStream(leg="sip")
    stream.fail(LegError(leg="sip", why="first"))
    stream.fail(LegError(leg="sip", why="second"))
    assert not stream.over
    with pytest.raises(LegError, match="first"):
        stream.raise_if_over()
    with pytest.raises(LegError, match="first"):
        await read(stream)


async def test_a_reader_that_stands_still_costs_the_call_and_no_memory() -> None:
    stream = LegStream(leg="sip")
    for at in range(2 * WAITING):
        stream.put(Digit(at, "1"))
    with pytest.raises(LegError, match="does not keep up"):
        stream.raise_if_over()
    stream.end()
    with pytest.raises(LegError, match="does not keep up"):
        await read(stream)
