"""A call from the page in a real browser: what the server kept, what the page heard and showed.

All of it is one call, had once; each test looks at one side of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from media.frame import MEDIA_RATE
from tests.gateway.calls import check, of, summary, timeline, tracks, transcript
from tests.peers.apart import apart
from tests.peers.chromium import LOOPBACK, chromium, has_chromium
from tests.peers.serving import Served, served
from tests.peers.sound import (
    ALIKE,
    PIECES_ALIKE,
    likeness,
    likeness_of_pieces,
    resampled,
)
from tests.peers.talk import INTERRUPTION, QUESTION, Talk, caller, spoken, talk, warm
from tests.peers.visitor import Visitor, visitor

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.weights,
    pytest.mark.skipif(not has_chromium(), reason="no Chromium, or no network of its own for it"),
    pytest.mark.asyncio(loop_scope="module"),
]
PER_MS = MEDIA_RATE // 1000
SILENT_MS = 250  # after the decision the page may still hear so much of the bot
AUDIBLE = 10  # root mean square of 10 ms, of 32768: 70 dB below the loudest there is


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chromium-call")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(folder: Path) -> AsyncIterator[tuple[Served, Browser]]:
    """A gateway and a browser that reach each other, and nothing else."""
    async with (
        apart() as within,
        served(folder, "sip.enabled=false", within=within) as gateway,
        chromium(within, folder, microphone=caller(folder), flags=[LOOPBACK]) as browser,
    ):
        async with visitor(browser, gateway.url) as first:
            await warm(first)
        yield gateway, browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def had(place: tuple[Served, Browser]) -> Talk:
    gateway, browser = place
    async with visitor(browser, gateway.url) as one:
        return await talk(one, gateway)


@pytest_asyncio.fixture(loop_scope="module")
async def record(place: tuple[Served, Browser], had: Talk) -> AsyncIterator[Visitor]:
    """Somebody who looks at the call afterwards."""
    gateway, browser = place
    async with visitor(browser, gateway.url) as one:
        await one.open(f"#/calls/{had.folder.name}")
        await expect(one.page.get_by_text("The caller hung up, after")).to_be_visible()
        await expect(one.page.get_by_text("Fetching the sound")).to_be_hidden()
        yield one


def silent_after_ms(had: Talk) -> float:
    """From the engine's decision to the end of the last 10 ms with sound that the browser plays.

    The decision is the ``cut`` event, whose ``at`` is when the call learnt of it. The least time
    that any event took, from its ``at`` to the page, tells how media time and the page's clock
    stand. It holds the way of that event, 2 ms or so, by which the figure may be too small; and
    media time counts whole packets, by which it may be up to 20 ms too large. What the driver of
    the loudspeaker holds back is not in it.
    """
    (cut,) = [fact for fact in had.facts if fact["type"] == "cut"]
    behind = min(fact["now"] - fact["at"] / PER_MS for fact in had.facts if fact["at"])
    decided = cut["at"] / PER_MS + behind
    times, levels = had.heard.times, had.heard.levels
    before = (times > decided - 1000) & (times <= decided)
    assert levels[before].max() > 20 * AUDIBLE, "the bot was not speaking"
    # Its next words come half a second after the caller's last at the earliest.
    last = float(times[(levels > AUDIBLE) & (times < decided + 800)].max())
    return last + 10 - float(decided)


# ---- the call -----------------------------------------------------------------------------------


async def test_the_recording_holds_what_was_said(had: Talk) -> None:
    left, _ = tracks(had.folder)
    assert likeness(left, spoken(QUESTION)) > ALIKE
    assert likeness(left, spoken(INTERRUPTION)) > ALIKE
    assert likeness(left, spoken("Could you tell me your name, please?")) < ALIKE


async def test_the_page_hears_the_bot(had: Talk) -> None:
    """Greeting and answer, as they were recorded when they were sent."""
    _, right = tracks(had.folder)
    heard = resampled(had.heard.pcm, had.heard.rate, MEDIA_RATE)
    lines = [line for line in transcript(had.folder)[:3] if line["speaker"] == "bot"]
    sent = np.concatenate([right[line["start"] : line["heard_until"]] for line in lines])
    assert likeness_of_pieces(heard, sent, rate=MEDIA_RATE) > PIECES_ALIKE
    asked = spoken(QUESTION + INTERRUPTION)
    assert likeness_of_pieces(heard, asked, rate=MEDIA_RATE) < PIECES_ALIKE


async def test_the_page_shows_the_words_of_both(had: Talk) -> None:
    kept = transcript(had.folder)
    names = {"caller": "You", "bot": "Bot"}
    assert [(who, text) for who, text, _ in had.transcript[:4]] == [
        (names[line["speaker"]], line["text"]) for line in kept[:4]
    ]
    assert "Willow Street Dental" in had.transcript[0][1]
    assert had.transcript[1][:2] == ("You", QUESTION)
    assert had.transcript[4][0] == "Bot"


async def test_an_interruption_silences_the_bot_at_the_page(
    place: tuple[Served, Browser], had: Talk
) -> None:
    """Once more where it took longer: other tests may hold up the machine."""
    gateway, browser = place
    took = [silent_after_ms(had)]
    while min(took) > SILENT_MS and len(took) < 3:
        async with visitor(browser, gateway.url) as one:
            took.append(silent_after_ms(await talk(one, gateway)))
    assert min(took) <= SILENT_MS, took


async def test_the_interrupted_sentence_is_cut_before_the_eye(had: Talk) -> None:
    (cut,) = of(timeline(had.folder), "cut")
    cut_lines = [(who, unheard) for who, _, unheard in had.transcript if unheard]
    assert cut_lines == [("Bot", f"not heard: {cut.data['unheard']}")]
    assert had.cut_mark["width"] >= 2
    assert had.cut_mark["height"] >= 10
    assert had.struck == "line-through"


async def test_hanging_up_leaves_a_complete_folder(had: Talk) -> None:
    check(had.folder)
    assert {file.name for file in had.folder.iterdir()} >= {
        "timeline.jsonl", "call.wav", "transcript.jsonl", "transcript.vtt", "call.json",
    }  # fmt: skip
    call = summary(had.folder)
    assert call["outcome"] == {"fault": "none", "reason": "caller-left"}
    assert call["leg"] == "webrtc"
    assert call["facts"]["codec"] == "opus/48000"
    assert call["webrtc"]["received"] > 500
    assert "You hung up" in had.after
    assert "Listen to this call" in had.after


async def test_nothing_leaves_the_origin(place: tuple[Served, Browser], had: Talk) -> None:
    gateway, _ = place
    assert len(had.requests) > 10
    assert [one for one in had.requests if not one.startswith(gateway.url)] == []


async def test_the_console_shows_no_error(had: Talk) -> None:
    assert had.complaints == []


async def test_the_page_is_held_to_its_origin(had: Talk) -> None:
    assert "default-src 'none'" in had.policy
    assert "script-src 'self'" in had.policy


async def test_a_foreign_script_is_refused(record: Visitor) -> None:
    """The policy is in force: neither text nor another origin becomes a script."""
    for attributes in (
        {"text": "window.foreign = 1"},
        {"src": "data:text/javascript,window.foreign = 1"},
        {"src": "http://198.18.0.1/foreign.js"},
    ):
        await record.page.evaluate(
            "all => document.head.append(Object.assign(document.createElement('script'), all))",
            attributes,
        )
    assert await record.page.evaluate("window.foreign") is None
    assert len(record.complaints) == 3
    assert all("Content Security Policy" in one for one in record.complaints)


# ---- the call afterwards ------------------------------------------------------------------------


async def test_the_history_shows_sound_turns_and_words(record: Visitor, had: Talk) -> None:
    said = record.page.locator(".said")
    await expect(said).to_have_count(len(transcript(had.folder)))
    (cut,) = of(timeline(had.folder), "cut")
    await expect(said.nth(2).locator("del")).to_contain_text(cut.data["unheard"])
    ink = await record.page.evaluate(_INK)
    # Of each lane of the drawing: the caller's sound, both strips of turns, the bot's sound.
    assert ink["callerSound"] > 500
    assert ink["callerTurns"] > 500
    assert ink["botTurns"] > 500
    assert ink["botSound"] > 500


async def test_a_click_into_the_sound_seeks(record: Visitor, had: Talk) -> None:
    bot = transcript(had.folder)[2]
    wave = record.page.get_by_role("slider", name="Place in the call")
    box = await wave.bounding_box()
    assert box is not None
    share = (bot["start"] + 8_000) / summary(had.folder)["duration"]
    await wave.click(position={"x": share * box["width"], "y": 40})
    await expect(record.page.locator(".said.now .word").first).to_have_text(bot["words"][0][0])
    at_s = await record.page.evaluate("document.querySelector('.player audio').currentTime")
    assert at_s == pytest.approx((bot["start"] + 8_000) / MEDIA_RATE, abs=0.1)


async def test_words_and_times_seek(record: Visitor, had: Talk) -> None:
    line = transcript(had.folder)[1]
    shown = record.page.locator(".said").nth(1)
    audio = "document.querySelector('.player audio').currentTime"
    await shown.locator(".word").nth(2).click()
    assert await record.page.evaluate(audio) == pytest.approx(
        line["words"][2][1] / 16_000, abs=0.01
    )
    await shown.get_by_role("button").press("Enter")
    assert await record.page.evaluate(audio) == pytest.approx(line["start"] / MEDIA_RATE, abs=0.01)


async def test_keys_play_and_seek(record: Visitor) -> None:
    wave = record.page.get_by_role("slider", name="Place in the call")
    await wave.focus()
    for key in ("PageUp", "ArrowLeft"):
        await record.page.keyboard.press(key)
    await expect(wave).to_have_attribute("aria-valuetext", re.compile("^9 seconds of"))
    await record.page.keyboard.press("Space")
    await expect(record.page.get_by_role("button", name="Pause")).to_be_visible()
    await expect(wave).to_have_attribute("aria-valuetext", re.compile("^10 seconds of"))
    await record.page.keyboard.press("Space")
    await expect(record.page.get_by_role("button", name="Play", exact=True)).to_be_visible()


async def test_the_recording_is_fetched_once(record: Visitor) -> None:
    """It may be 230 MB."""
    whole = [one for one in record.requests if one.endswith("/audio")]
    assert len(whole) == 1


@pytest.mark.parametrize("width", [390, 768])
async def test_a_narrow_window_needs_no_scrolling_sideways(
    place: tuple[Served, Browser], had: Talk, width: int
) -> None:
    gateway, browser = place
    async with visitor(browser, gateway.url, width=width) as one:
        for view, shown in (("", ".round.go"), ("#/calls", "table.calls"), ("", ".said")):
            where = f"#/calls/{had.folder.name}" if shown == ".said" else view
            await one.open(where)
            await expect(one.page.locator(shown).first).to_be_visible()
            assert await one.overflow() == 0, where


# Pixels of a party's colour in each lane of the drawing, which are as high as `wave.js` makes them.
_INK = """() => {
  const canvas = document.querySelector("canvas.wave");
  const style = getComputedStyle(canvas);
  const ruler = 20, band = 12, lane = (canvas.clientHeight - ruler - 3 * band) / 2;
  const dense = devicePixelRatio;
  const colour = (name) => style.getPropertyValue(name).match(/[0-9a-f]{2}/g);
  const count = (name, from, height) => {
    const wanted = colour(name).map((two) => parseInt(two, 16));
    const { data } = canvas.getContext("2d").getImageData(
      0, Math.ceil(from * dense), canvas.width, Math.floor(height * dense));
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
      found += data[i + 3] > 200 && wanted.every((one, c) => Math.abs(data[i + c] - one) < 8);
    }
    return found;
  };
  return {
    callerSound: count("--caller", 0, lane),
    callerTurns: count("--caller", lane, band),
    botTurns: count("--bot", lane + 2 * band, band),
    botSound: count("--bot", lane + 3 * band, lane),
  };
}"""
