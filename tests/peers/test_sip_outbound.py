"""Calls that we make, to a telephone of our own."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from bot.engine import DuplexEngine
from bot.engines.echo import EchoEngine
from bot.engines.scripted import Say
from bot.inline import InlineStepper
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipdial import Dialling
from gateway.legs.sipprotocol import Progress
from gateway.legs.sipsettings import WorkerSettings
from gateway.outcome import Outcome
from tests.gateway.calls import call_of, check, of, scripted, stepper_of, summary, timeline, tracks
from tests.peers.callee import Callee
from tests.peers.digest import field
from tests.peers.softphone import pitch, tone

pytestmark = [
    pytest.mark.peers,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
EARLY_LEFT = 800  # samples at 8 kHz: 100 ms


class Dialler:
    """Makes one call after the other with an engine that echoes."""

    def __init__(self, board: SipSwitchboard, stepper: InlineStepper, folder: Path) -> None:
        self._board, self._stepper, self.folder = board, stepper, folder
        self.progress: list[int] = []
        self.error: BaseException | None = None

    def call(self, to: str, *, ring_s: float = 10.0) -> asyncio.Task[Outcome]:
        return asyncio.get_running_loop().create_task(self._call(to, ring_s))

    async def _call(self, to: str, ring_s: float) -> Outcome:
        def told(progress: Progress) -> None:
            self.progress.append(progress.code)

        leg = self._board.dial(Dialling(to, ring_s=ring_s, told=told))
        call, _ = call_of(leg, self._stepper, self.folder)
        outcome = await call.run()
        self.error = call.error
        return outcome


@pytest.fixture
async def callee() -> AsyncIterator[Callee]:
    one = await Callee().open()
    yield one
    await one.close()


@asynccontextmanager
async def dialling(folder: Path, engine: DuplexEngine) -> AsyncIterator[Dialler]:
    stepper = await stepper_of(engine)
    board = SipSwitchboard(WorkerSettings(port=0))
    await board.start()
    try:
        yield Dialler(board, stepper, folder)
    finally:
        await board.close()
        await stepper.close()


@pytest.fixture
async def dialler(tmp_path: Path) -> AsyncIterator[Dialler]:
    async with dialling(tmp_path / "call", EchoEngine(width=4)) as one:
        yield one


async def test_a_call_is_answered_talks_and_ends(dialler: Dialler, callee: Callee) -> None:
    calling = dialler.call(callee.uri)
    invite = await callee.until_asked("INVITE")
    callee.reply(invite, 180, "Ringing")
    callee.reply(invite, 200, body=callee.sdp())
    await callee.until_asked("ACK")
    callee.line.to_say = tone(1_000, seconds=3)
    callee.line.talk()
    await asyncio.sleep(4)
    callee.request("BYE")
    assert str(await calling) == "caller-left"
    assert 180 in dialler.progress
    assert pitch(callee.line.heard()) == pytest.approx(1_000, abs=1)
    left, _ = tracks(dialler.folder)
    assert pitch(left[::2]) == pytest.approx(1_000, abs=1)
    check(dialler.folder)
    told = summary(dialler.folder)
    assert told["facts"]["callee"] == "1234"
    assert told["facts"]["direction"] == "outbound"
    assert told["facts"]["codec"] == "PCMU/8000"


async def test_nothing_of_early_media_is_part_of_the_call(dialler: Dialler, callee: Callee) -> None:
    calling = dialler.call(callee.uri)
    invite = await callee.until_asked("INVITE")
    callee.reply(invite, 183, "Session Progress", body=callee.sdp())
    callee.line.to_say = tone(440, seconds=60)
    callee.line.talk()
    await asyncio.sleep(1.5)
    assert not of(timeline(dialler.folder), "answer")
    callee.line.to_say = tone(1_000, seconds=3)
    callee.reply(invite, 200, body=callee.sdp())
    await callee.until_asked("ACK")
    await asyncio.sleep(3.5)
    callee.request("BYE")
    assert str(await calling) == "caller-left"
    left, _ = tracks(dialler.folder)
    narrow = left[::2].astype(float)
    assert pitch(left[::2]) == pytest.approx(1_000, abs=1)
    # What was on its way and in the jitter buffer when we heard of the answer, and no more.
    after = narrow[EARLY_LEFT : EARLY_LEFT + 8_000]
    assert _strength(after, 440) < 0.01 * _strength(after, 1_000)
    first = np.flatnonzero(np.abs(narrow) > 1_000)[0]
    assert first < EARLY_LEFT  # the sound goes on where it was, no new beginning


async def test_the_first_word_of_ours_is_heard_after_early_media(
    callee: Callee, tmp_path: Path
) -> None:
    engine = scripted(Say("one two three four", at=0))
    async with dialling(tmp_path / "call", engine) as dialler:
        calling = dialler.call(callee.uri)
        invite = await callee.until_asked("INVITE")
        callee.reply(invite, 183, "Session Progress", body=callee.sdp())
        callee.line.talk()
        await asyncio.sleep(1)
        assert not callee.line.heard().any()
        callee.reply(invite, 200, body=callee.sdp())
        await callee.until_asked("ACK")
        await asyncio.sleep(3)
        callee.request("BYE")
        assert str(await calling) == "caller-left"
        _, right = tracks(dialler.folder)
    said, heard = _span(right[::2]), _span(callee.line.heard())
    assert said > 8_000
    assert heard == pytest.approx(said, abs=160)


def _span(sound: npt.NDArray[np.int16]) -> int:
    """From the first loud sample to the last, at 8 kHz."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 1_000)
    return int(loud[-1] - loud[0])


@pytest.mark.parametrize(
    ("code", "words"),
    [(486, "is busy"), (603, "declined"), (404, "knows no such number"), (302, "elsewhere")],
)
async def test_a_refusal_keeps_its_code(
    dialler: Dialler, callee: Callee, code: int, words: str
) -> None:
    calling = dialler.call(callee.uri)
    invite = await callee.until_asked("INVITE")
    fields = ["Contact: <sip:other@127.0.0.1:9>"] if code == 302 else []
    callee.reply(invite, code, "No", fields=fields)
    assert str(await calling) == "carrier/rejected"
    assert getattr(dialler.error, "code", None) == code
    assert words in str(dialler.error)
    assert summary(dialler.folder)["outcome"] == {"fault": "carrier", "reason": "rejected"}
    assert len(callee.asked("INVITE")) == 1


async def test_nobody_answers_and_the_call_is_cancelled(dialler: Dialler, callee: Callee) -> None:
    calling = dialler.call(callee.uri, ring_s=1.0)
    invite = await callee.until_asked("INVITE")
    callee.reply(invite, 180, "Ringing")
    assert str(await calling) == "carrier/no-answer"
    assert "within 1 s" in str(dialler.error)
    await callee.until_asked("CANCEL")


async def test_a_call_taken_back_while_it_rings_is_cancelled(
    dialler: Dialler, callee: Callee
) -> None:
    calling = dialler.call(callee.uri)
    invite = await callee.until_asked("INVITE")
    callee.reply(invite, 180, "Ringing")
    await asyncio.sleep(0.2)
    calling.cancel()
    await callee.until_asked("CANCEL")
    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_a_call_that_is_up_ends_with_bye(dialler: Dialler, callee: Callee) -> None:
    calling = dialler.call(callee.uri)
    invite = await callee.until_asked("INVITE")
    callee.reply(invite, 200, body=callee.sdp())
    await callee.until_asked("ACK")
    callee.line.talk()
    await asyncio.sleep(1)
    calling.cancel()
    bye = await callee.until_asked("BYE")
    assert "cause=503" in field(bye, "Reason")
    await asyncio.wait([calling])


async def test_a_name_that_does_not_exist(dialler: Dialler) -> None:
    assert str(await dialler.call("sip:1234@nowhere.invalid")) == "carrier/rejected"
    assert getattr(dialler.error, "code", 0) >= 500


async def _command(
    uri: str, root: Path, *words: str
) -> tuple[asyncio.subprocess.Process, asyncio.Task[bytes]]:
    """``parley call``, and what it will have printed."""
    command = [sys.executable, "-m", "gateway", "call", uri, "bot=echo", f"recording.dir={root}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    return process, asyncio.get_running_loop().create_task(process.stdout.read())


async def test_the_command_calls_and_says_how_it_went(callee: Callee, tmp_path: Path) -> None:
    process, printed = await _command(callee.uri, tmp_path, "sip.outbound.enabled=true")
    invite = await callee.until_asked("INVITE", within_s=30)
    callee.reply(invite, 180, "Ringing")
    callee.reply(invite, 200, body=callee.sdp())
    await callee.until_asked("ACK")
    callee.line.talk()
    await asyncio.sleep(1)
    callee.request("BYE")
    lines = (await printed).decode().splitlines()
    assert lines[1:4] == ["ringing", "answered", "ended: caller-left"], lines
    assert await process.wait() == 0


async def test_the_command_hangs_up_on_ctrl_c(callee: Callee, tmp_path: Path) -> None:
    process, printed = await _command(callee.uri, tmp_path, "sip.outbound.enabled=true")
    invite = await callee.until_asked("INVITE", within_s=30)
    callee.reply(invite, 180, "Ringing")
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    await callee.until_asked("CANCEL")
    assert (await printed).decode().endswith("hung up\n")
    assert await process.wait() == 130


def _strength(sound: npt.NDArray[np.float64], hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum[round(hz * len(sound) / 8_000)])
