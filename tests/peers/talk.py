"""One whole call from the page: a question, an answer, an interruption, another answer, the end.

The caller's part is a recording that waits for nobody: on a machine that is very busy the bot may
miss its windows, which are two seconds wide. Such a call is had once more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from media.frame import MEDIA_RATE, Pcm
from samples.voices import MARTHA
from tests.peers.serving import Served
from tests.peers.sound import WIDE, resampled, spaced, write
from tests.peers.visitor import Heard, Visitor

GREETED_S = 8.0  # from the microphone's first sample to the question
INTO_S = 2.6  # from the end of the question, when two seconds of the answer have been heard
LINES, WITHIN_MS = 5, 30_000
QUESTION, INTERRUPTION = "What are your opening hours?", "Thank you. And what is your address?"


def spoken(text: str) -> Pcm:
    """By a person who is not the bot, at 16 kHz."""
    return resampled(MARTHA.say(text), 8_000, MEDIA_RATE)


def caller(folder: Path) -> str:
    """What the microphone hears in such a call: a WAV, played once, as Chromium wants it named."""
    parts = (GREETED_S, spoken(QUESTION), INTO_S, spoken(INTERRUPTION), 1.0)
    pcm = resampled(spaced(parts, rate=MEDIA_RATE), MEDIA_RATE, WIDE)
    return f"{write(folder / 'caller.wav', pcm, rate=WIDE)}%noloop"


@dataclass(frozen=True, slots=True)
class Talk:
    """What was seen of the call. ``transcript``: (who, heard, not heard) of each line shown."""

    folder: Path
    heard: Heard
    facts: Sequence[Mapping[str, Any]]
    transcript: Sequence[tuple[str, str, str]]
    cut_mark: Mapping[str, float]  # the box of the mark where the bot was cut, pixels
    struck: str  # how the text is drawn that was not heard
    after: str  # what the page says when the call is over
    requests: Sequence[str] = field(repr=False)
    complaints: Sequence[str] = ()
    policy: str = ""  # what the page is held to, as it was sent


TRIES = 3


async def nothing() -> None:
    """Of interest."""


async def warm(one: Visitor) -> None:
    """The first call of a gateway: its engine reads the persona then, for one second or two."""
    await one.open()
    await one.call()
    await one.hang_up()


async def talk(
    one: Visitor, gateway: Served, *, at_the_end: Callable[[], Awaitable[None]] = nothing
) -> Talk:
    """Have the call. ``at_the_end``, while the bot speaks for the last time, something is done."""
    for _ in range(TRIES):
        policy = await one.open()
        await one.call()
        lines = one.page.locator(".said")
        with suppress(AssertionError):
            await expect(lines).to_have_count(LINES, timeout=WITHIN_MS)
            await expect(lines.last.locator(".word")).not_to_have_count(0)
            await expect(one.page.locator(".cut")).to_have_count(1, timeout=1)
            await at_the_end()
            return await _seen(one, gateway, policy)
        await one.hang_up()
    raise AssertionError(f"no call of {TRIES} went as it should: {gateway.root}")


async def _seen(one: Visitor, gateway: Served, policy: str) -> Talk:
    lines = one.page.locator(".said")
    look = await lines.locator("del").evaluate("one => getComputedStyle(one).textDecorationLine")
    box = await lines.locator(".cut").bounding_box()
    facts, heard = await one.facts(), await one.heard()
    await one.hang_up()
    shown = [
        (
            await line.locator(".who").inner_text(),
            " ".join(await line.locator(".word").all_inner_texts()),
            " ".join(await line.locator("del").all_text_contents()),
        )
        for line in await lines.all()
    ]
    return Talk(
        folder=await gateway.ended(len(gateway.folders()) - 1),
        heard=heard,
        facts=facts,
        transcript=shown,
        cut_mark={} if box is None else dict(box),
        struck=str(look),
        after=await one.page.locator(".phone").inner_text(),
        requests=list(one.requests),
        complaints=list(one.complaints),
        policy=policy,
    )
