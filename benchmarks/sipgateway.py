"""A gateway in a process of its own, with its insides watched: ``parley serve`` tells no moments.

    python -m benchmarks.sipgateway cuts|echo PORT FOLDER

``cuts`` is a whole gateway with the scripted engine, which stops when it is spoken over, and says
when it decided so; ``echo`` hands a leg's sound straight back, without a call, frames or depth.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.child import child
from bot.batch import StepBatch, StepResult
from bot.engine import SessionOptions
from bot.engines.scripted import Say, Script, ScriptedEngine
from bot.facts import Cut
from bot.inline import InlineStepper
from gateway.call import Call, CallSettings
from gateway.legs.base import Leg
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipsettings import WorkerSettings
from gateway.outcome import CALLER_LEFT
from media.frame import AudioFrame, silence
from media.playout import Played
from media.recorder import Recorder, RecordWriter

WIDTH = 32
MONOLOGUE = " ".join(["word"] * 60)  # 18 s: nobody lets it finish
TURNS = 200
STOP_S = 30.0


class Watched(ScriptedEngine):
    """The scripted engine, and the moments in which it decided to be silent (Unix time, ns)."""

    def __init__(self) -> None:
        lines = [Say(MONOLOGUE, at=0), *(Say(MONOLOGUE, after_turn=n) for n in range(1, TURNS))]
        super().__init__(Script(lines=tuple(lines), barge_in=True), width=WIDTH)
        self.decided: list[tuple[int, int]] = []

    def step(self, batch: StepBatch) -> StepResult:
        """As the scripted engine does."""
        result = super().step(batch)
        now = time.time_ns()
        for row, events in enumerate(result.events):
            if any(isinstance(event, Cut) for event in events):
                self.decided.append((batch.leases[row], now))
        return result


class Mirror:
    """What came in goes out again, one packet a pull."""

    def __init__(self, rate: int) -> None:
        self._rate, self._start = rate, 0
        self._packets: deque[AudioFrame] = deque()

    def push(self, frame: AudioFrame) -> None:
        """Keep a packet for the next pull."""
        self._packets.append(frame)

    def pull(self) -> Played:
        """The oldest packet; silence if there is none."""
        size = self._rate // 50
        pcm = self._packets.popleft().pcm if self._packets else silence(size)
        start, self._start = self._start, self._start + size
        return Played(AudioFrame(pcm, self._rate, start), 0, 0, 0)


@contextmanager
def watched(kind: str, *, port: int, folder: Path) -> Iterator[list[tuple[int, int]]]:
    """One that listens; the list is filled when it has ended: call (from 1), moment of a cut."""
    decided: list[tuple[int, int]] = []
    with child("benchmarks.sipgateway", kind, str(port), str(folder), stop_s=STOP_S) as gateway:
        if gateway.first != "ready":
            raise SystemExit("the watched gateway does not start")
        yield decided
    pairs = (line.split() for line in gateway.rest.splitlines())
    decided += [(int(call), int(at_ns)) for call, at_ns in pairs]


class Desk:
    """Answers with the watched engine, and records, as ``parley serve`` does."""

    def __init__(self, folder: Path) -> None:
        self.engine = Watched()
        self._stepper = InlineStepper(lambda jobs: self.engine)
        self._writer = RecordWriter()
        self._folder = folder
        self._calls = 0

    async def start(self) -> None:
        """Before the first call."""
        self._writer.start()
        await self._stepper.start()

    async def answer(self, leg: Leg) -> None:
        """Be that leg's call until it ends."""
        self._calls += 1
        name = f"call{self._calls}"
        call = Call(
            name,
            leg=leg,
            stepper=self._stepper,
            recorder=Recorder(self._folder / name, writer=self._writer),
            options=SessionOptions(),
            settings=CallSettings(),
            started="",
        )
        await call.run()

    async def close(self) -> None:
        """After the last."""
        await self._stepper.close()
        self._writer.stop()


async def mirrored(leg: Leg) -> None:
    """Echo until the far end leaves."""
    mirror = Mirror(leg.rate)
    await leg.answer(mirror)
    async for event in leg.events():
        if isinstance(event, AudioFrame):
            mirror.push(event)
    await leg.hangup(CALLER_LEFT)


async def main(kind: str, port: int, folder: Path) -> None:
    """Serve until standard input ends, and until the last call has; then tell the moments."""
    board = SipSwitchboard(
        WorkerSettings(
            port=port, rtp_port_min=24_000, rtp_port_max=27_999, calls=WIDTH, codecs=("PCMU",)
        )
    )
    desk = Desk(folder)
    await desk.start()
    await board.start()
    async with asyncio.TaskGroup() as calls:
        taking = calls.create_task(_take(board, calls, desk.answer if kind == "cuts" else mirrored))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await board.close()
        await taking
    await desk.close()
    for call, at_ns in desk.engine.decided:
        print(call, at_ns)


async def _take(
    board: SipSwitchboard,
    calls: asyncio.TaskGroup,
    answer: Callable[[Leg], Coroutine[None, None, None]],
) -> None:
    async for offer in board.offers():
        await offer.ring()
        calls.create_task(answer(offer.leg()))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
