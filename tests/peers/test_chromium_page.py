"""The page in a real browser: by keyboard, muted, and when something is not as it should be."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from media.frame import MEDIA_RATE, Pcm
from tests.gateway.calls import check, of, summary, timeline, tracks
from tests.peers.apart import apart
from tests.peers.chromium import LOOPBACK, chromium, has_chromium
from tests.peers.serving import Served, served, started
from tests.peers.sound import WIDE, level, resampled, spaced, write
from tests.peers.talk import spoken
from tests.peers.visitor import Visitor, visitor

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.weights,
    pytest.mark.skipif(not has_chromium(), reason="no Chromium, or no network of its own for it"),
    pytest.mark.asyncio(loop_scope="module"),
]
SCRIPTED = ("sip.enabled=false", "bot=scripted", "bot.seats=1")
SPOKEN, SILENT = 100, 3  # root mean square of a second of somebody's speech, and of nobody's
GONE_MS = 30_000  # until a browser notices that nobody answers any more


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway with one seat, a browser whose microphone hears somebody all the time."""

    within: Sequence[str]
    gateway: Served
    browser: Browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chromium-page")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(folder: Path) -> AsyncIterator[Place]:
    speech = spoken("One, two, three, four, five, six, seven, eight, nine, ten.")
    heard = write(folder / "speech.wav", resampled(speech, MEDIA_RATE, WIDE), rate=WIDE)
    async with (
        apart() as within,
        served(folder, *SCRIPTED, within=within) as gateway,
        chromium(within, folder, microphone=str(heard), flags=[LOOPBACK]) as browser,
    ):
        yield Place(within, gateway, browser)


@pytest_asyncio.fixture(loop_scope="module")
async def one(place: Place) -> AsyncIterator[Visitor]:
    async with visitor(place.browser, place.gateway.url) as one:
        await one.open()
        yield one


def second(track: Pcm, number: float) -> Pcm:
    """From a time in seconds on."""
    start = int(number * MEDIA_RATE)
    return track[start : start + MEDIA_RATE]


async def focused(one: Visitor) -> str:
    """The name of what the keyboard acts upon."""
    script = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
    return str(await one.page.evaluate(script)).strip()


async def tab_to(one: Visitor, name: str, *, key: str = "Tab") -> None:
    for _ in range(20):
        if await focused(one) == name:
            return
        await one.page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead to {name!r}")


async def test_a_call_by_keyboard_alone(one: Visitor, place: Place) -> None:
    press = one.page.keyboard.press
    await tab_to(one, "Call")  # the link of this name comes first, and leads here
    await press("Tab")
    await tab_to(one, "Call")
    await press("Enter")
    await one.says("Connected")
    assert await focused(one) == "Hang up"
    await tab_to(one, "Keypad")
    await press("Enter")
    await press("5")  # typed
    await expect(one.page.get_by_text("Key 5")).to_be_visible()
    await tab_to(one, "hash")
    await press("Enter")  # and pressed
    await expect(one.page.get_by_text("Key #")).to_be_visible()
    await tab_to(one, "Mute", key="Shift+Tab")
    await press("Space")
    await one.says("You are muted")
    await tab_to(one, "Hang up")
    await press("Enter")
    await one.says("You hung up")
    assert await focused(one) == "Call"
    left = await place.gateway.ended(len(place.gateway.folders()) - 1)
    check(left)
    assert [entry.data["key"] for entry in of(timeline(left), "digit")] == ["5", "#"]
    assert one.complaints == []


async def test_a_muted_caller_is_not_heard(one: Visitor, place: Place) -> None:
    timer, mute = one.page.get_by_role("timer"), one.page.get_by_role("button", name="Mute")
    await one.call()
    await expect(timer).to_have_text("0:02")
    await mute.click()
    await expect(timer).to_have_text("0:04")
    await mute.click()
    await one.says("Connected")
    await expect(timer).to_have_text("0:06")
    await one.hang_up()
    track, _ = tracks(await place.gateway.ended(len(place.gateway.folders()) - 1))
    assert level(second(track, 0.7)) > SPOKEN
    assert level(second(track, 2.7)) < SILENT
    assert level(second(track, 4.7)) > SPOKEN


async def test_no_seat_is_free(one: Visitor, place: Place) -> None:
    async with visitor(place.browser, place.gateway.url) as other:
        await other.open()
        await other.call()
        await one.call_button.click()
        await one.says("All lines are busy. Try again in")
        await expect(one.call_button).to_be_visible()
        await other.hang_up()
    await place.gateway.ended(len(place.gateway.folders()) - 1)
    await one.call()
    await one.hang_up()


async def test_a_page_that_is_closed_ends_its_call(place: Place) -> None:
    async with visitor(place.browser, place.gateway.url) as one:
        await one.open()
        await one.call()
        left = place.gateway.folders()[-1]
    assert await place.gateway.ended(len(place.gateway.folders()) - 1) == left
    assert summary(left)["outcome"] == {"fault": "none", "reason": "caller-left"}


async def test_the_microphone_is_refused(place: Place) -> None:
    context = await place.browser.new_context()  # without the permission
    try:
        one = Visitor(await context.new_page(), place.gateway.url)
        await one.open()
        await one.call_button.click()
        await one.says("The browser does not let this page use the microphone. Allow it")
        await expect(one.call_button).to_be_visible()
    finally:
        await context.close()


async def test_there_is_no_microphone(place: Place, tmp_path: Path) -> None:
    async with (
        chromium(place.within, tmp_path, microphone=None) as browser,
        visitor(browser, place.gateway.url) as one,
    ):
        await one.open()
        await one.call_button.click()
        await one.says("No microphone was found. Connect one and call again.")


async def test_the_server_is_killed_in_a_call(place: Place, tmp_path: Path) -> None:
    async with (
        started(tmp_path, *SCRIPTED, within=place.within) as (gateway, process),
        visitor(place.browser, gateway.url) as one,
    ):
        await one.open()
        await one.call()
        process.kill()
        await one.says("The server is gone. The call has ended.", within_ms=GONE_MS)
        await expect(one.call_button).to_be_visible()
        await one.call_button.click()
        await one.says("The server does not answer. Is it still running?")


async def test_a_token_is_asked_for(place: Place, tmp_path: Path) -> None:
    token = "a-token-for-this-test-alone"
    known = {"name": "test", "sha256": hashlib.sha256(token.encode()).hexdigest()}
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text(json.dumps([{**known, "scopes": ["read", "call"]}]), encoding="utf-8")
    tokens.chmod(0o600)
    wants = (*SCRIPTED, f"http.tokens_file={tokens}")
    async with (
        served(tmp_path, *wants, within=place.within) as gateway,
        visitor(place.browser, gateway.url) as one,
    ):
        await one.open()
        await one.call_button.click()
        sign_in = one.page.get_by_role("dialog", name="Sign in")
        await expect(sign_in).to_be_visible()
        for text, then in (("not the token", "does not know this token"), (token, None)):
            await sign_in.get_by_label("Token").fill(text)
            await sign_in.get_by_role("button", name="Sign in").click()
            if then is not None:
                await expect(sign_in.get_by_role("alert")).to_contain_text(then)
        await one.says("Connected")
        await one.hang_up()
        assert await one.page.evaluate("document.cookie") == ""  # out of scripts' reach


async def test_a_machine_with_other_addresses(tmp_path: Path) -> None:
    """A browser as it is installed offers no loopback; the gateway's is reached all the same."""
    async with apart() as within:
        for words in (
            "link add lan type veth peer name far",
            "address add 198.18.7.2/24 dev lan",
            "link set far up",
            "link set lan up",
        ):
            await _ip(within, words)
        speech = write(tmp_path / "speech.wav", spaced([spoken("One.")], rate=WIDE), rate=WIDE)
        async with chromium(within, tmp_path, microphone=str(speech)) as browser:
            for host, told in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "198.18.7.2")):
                wants = (*SCRIPTED, f"webrtc.host={host}")
                async with (
                    served(tmp_path, *wants, within=within) as gateway,
                    visitor(browser, gateway.url) as one,
                ):
                    await one.open()
                    await one.call()
                    ours, theirs = await one.page.evaluate(_ADDRESSES)
                    assert ours == ["198.18.7.2"]
                    assert theirs == [told]
                    await one.hang_up()


# Of the candidates that browser and gateway told each other.
_ADDRESSES = """() => {
  const { localDescription, remoteDescription } = window.tap.peer;
  return [localDescription, remoteDescription].map(({ sdp }) => [...new Set(
    [...sdp.matchAll(/a=candidate:\\S+ \\d udp \\d+ (\\S+)/gi)].map((found) => found[1]))]);
}"""


async def _ip(within: Sequence[str], words: str) -> None:
    process = await asyncio.create_subprocess_exec(*within, "ip", *words.split())
    assert await process.wait() == 0
