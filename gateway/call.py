"""A call is one coroutine, from offer to outcome. When it returns, the far end has hung up."""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.batch import RowResult
from bot.engine import SessionOptions
from bot.errors import BotError
from bot.facts import Digit, Held
from bot.policy import Limits
from bot.session import DuplexSession, Taps
from bot.stepper import Stepper
from bot.transcript import Transcript
from gateway.artefacts import write_call, write_transcript
from gateway.callstate import CallState, transition
from gateway.figures import figures
from gateway.legs.base import Leg, Moved
from gateway.norecorder import NoRecorder
from gateway.outcome import CALLER_LEFT, STOPPED, Fault, Outcome, outcome_at, outcome_of
from media.errors import ParleyError, RecorderBehind
from media.frame import MEDIA_RATE, AudioFrame
from media.playout import Played
from media.recorder import Recorder
from media.timeline import Entry

logger = logging.getLogger(__name__)
HANGUP_S = 5.0  # a leg that does not let go within this is left behind


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What all calls of a process share. ``depth`` is in samples at 16 kHz."""

    limits: Limits = field(default_factory=Limits)
    depth: int = 60 * MEDIA_RATE // 1000
    timing: bool = False
    config_sha256: str = ""


class Call:
    """One call: its leg, its seat, its recording.

    ``started`` is the wall time of its birth for people (ISO 8601), the only one it has.
    ``watch`` sees every fact as it is noted; it must not block and must not raise.
    """

    def __init__(
        self,
        call_id: str,
        *,
        leg: Leg,
        stepper: Stepper,
        recorder: Recorder | NoRecorder,
        options: SessionOptions,
        settings: CallSettings,
        started: str,
        watch: Callable[[Entry], None] | None = None,
    ) -> None:
        self.id = call_id
        self._leg, self._stepper, self._recorder = leg, stepper, recorder
        self._options, self._settings, self._started = options, settings, started
        self._watch = watch
        self._state = CallState.OFFERED
        self._session: DuplexSession | None = None
        self._transcript = Transcript()
        self._fault: BotError | None = None
        self.steps_ms = array("f")  # what each step cost, where that is measured
        self.waits_ms = array("f")  # and how long each frame waited for its answer
        self._cuts: list[Mapping[str, Any]] = []
        self.error: BaseException | None = None  # what ended the call, if anything broke
        self.ends_as = STOPPED  # its outcome, should its task be cancelled

    @property
    def folder(self) -> Path | None:
        """Where it is kept; ``None`` if it is not recorded."""
        return self._recorder.folder

    @property
    def gaps(self) -> Sequence[int]:
        """From the end of the caller's speech to the bot's first sound, in samples at 16 kHz."""
        return () if self._session is None else self._session.turns.gaps

    async def run(self) -> Outcome:
        """Answer, converse, always hang up. Raises only ``CancelledError`` and recorder faults.

        A recorder that cannot even begin raises ``RecorderBehind``, and nothing is answered. One
        that fails later does not end a call.
        """
        try:
            self._recorder.open()
        except RecorderBehind as error:
            await self._hang_up(outcome_of(error))
            raise
        outcome = Outcome(Fault.GATEWAY, "unexpected")
        try:
            outcome = await self._answer_and_converse()
        except asyncio.CancelledError:
            outcome = self.ends_as
            raise
        except Exception as error:
            self.error, outcome = error, outcome_of(error)
            if isinstance(error, ParleyError):
                logger.warning("call %s: %s", self.id, error)
            else:
                logger.exception("call %s: unexpected", self.id)
        finally:
            await _finished(asyncio.ensure_future(self._leave(outcome)))
        return outcome

    async def _answer_and_converse(self) -> Outcome:
        spec = self._stepper.spec
        self._note(
            "offer",
            {
                "leg": self._leg.facts.get("leg", ""),
                "engine": spec.name,
                "persona": self._options.persona_name,
                "seed": self._options.seed,
                "facts": {k: v for k, v in sorted(self._leg.facts.items()) if k != "leg"},
            },
        )
        seat = await self._stepper.open(self._options, self._deliver)
        try:
            self._session = session = DuplexSession(
                seat=seat,
                spec=spec,
                rate=self._leg.rate,
                depth=self._settings.depth,
                limits=self._settings.limits,
                taps=Taps(sound=self._recorder.tap, fact=self._take),
                timing=self._settings.timing,
            )
            await self._leg.answer(session.playout)
            self._go(CallState.CONVERSING)
            self._note("answer", {})
            return await self._converse(session)
        finally:
            seat.close()

    async def _converse(self, session: DuplexSession) -> Outcome:
        async for event in self._leg.events():
            match event:
                case AudioFrame():
                    session.hear(event)
                case Played():
                    session.played(event)
                case Digit(key=key):
                    session.digit(key)
                case Held():
                    session.hold(event)
                case Moved(source=source):
                    self._note("moved", {"source": source})
            if self._fault is not None:
                raise self._fault
            if (ending := session.finished()) is not None:
                return outcome_at(ending.reason)
        return CALLER_LEFT

    def _deliver(self, result: RowResult | BotError) -> None:
        if isinstance(result, BotError):
            self._fault = result
        elif self._session is not None and self._state is CallState.CONVERSING:
            if result.cost_ms is not None:
                self.steps_ms.append(result.cost_ms)
            if result.waited_ms is not None:
                self.waits_ms.append(result.waited_ms)
            self._session.absorb(result)

    async def _leave(self, outcome: Outcome) -> None:
        self._go(CallState.ENDING)
        await self._hang_up(outcome)
        for track, samples in self._recorder.lost.items():
            if samples:
                why = "the disk did not keep up"
                self._note("lost", {"track": track, "samples": samples, "why": why})
        self._note("outcome", {"fault": str(outcome.fault), "reason": outcome.reason})
        await self._recorder.close()
        self._go(CallState.ENDED)
        folder = self._recorder.folder
        if folder is not None and self._recorder.error is None:
            try:
                # Off the loop: the disk was seen to take 180 ms, and other calls would fall silent.
                await asyncio.to_thread(self._complete, folder, self.summary(outcome))
            except OSError as error:
                self._recorder.error = RecorderBehind(
                    where=str(folder), why=error.strerror or str(error)
                )
        if self._recorder.error is not None:
            logger.error("call %s: %s", self.id, self._recorder.error)

    def _complete(self, folder: Path, summary: dict[str, Any]) -> None:
        write_transcript(folder, self._transcript.utterances())
        write_call(folder, summary)

    async def _hang_up(self, outcome: Outcome) -> None:
        try:
            async with asyncio.timeout(HANGUP_S):
                await self._leg.hangup(outcome)
        except Exception as error:
            logger.warning("call %s: hanging up: %s", self.id, str(error) or type(error).__name__)

    def so_far(self) -> dict[str, Any]:
        """What ``call.json`` will begin with; ``duration`` grows while the call is up."""
        return {
            "v": 1,
            "call_id": self.id,
            "started": self._started,
            "leg": self._leg.facts.get("leg", ""),
            "facts": {k: v for k, v in sorted(self._leg.facts.items()) if k != "leg"},
            "engine": self._stepper.spec.name,
            "persona": self._options.persona_name,
            "seed": self._options.seed,
            "config_sha256": self._settings.config_sha256,
            "duration": self._session.now if self._session else 0,
        }

    def summary(self, outcome: Outcome) -> dict[str, Any]:
        """What ``call.json`` says."""
        return {
            **self.so_far(),
            "outcome": {"fault": str(outcome.fault), "reason": outcome.reason},
            **figures(self._session, cuts=self._cuts, steps_ms=self.steps_ms),
            "lost": dict(self._recorder.lost),
            **self._leg.figures,
        }

    def _note(self, kind: str, data: Mapping[str, Any]) -> None:
        self._take(Entry(self._session.now if self._session else 0, kind, data))

    def _take(self, entry: Entry) -> None:
        self._recorder.note(entry)
        self._transcript.add(entry)
        if entry.type == "cut":
            self._cuts.append(entry.data)
        if self._watch is not None:
            self._watch(entry)

    def _go(self, to: CallState) -> None:
        self._state = transition(self.id, self._state, to)


async def _finished(leaving: asyncio.Future[None]) -> None:
    """Wait for it, even when cancelled meanwhile: a call that is ending is ended in order."""
    try:
        await asyncio.shield(leaving)
    except asyncio.CancelledError:
        await leaving
        raise
