"""VoiceChat for as many calls as it has rows, behind the frame contract."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from bot.batch import StepBatch, StepResult
from bot.engine import EngineSpec, SessionOptions
from bot.engines.voicechat.choice import VoiceChatChoice
from bot.engines.voicechat.lines import Lines
from bot.engines.voicechat.prefill import Prefilled
from bot.engines.voicechat.row import Bounds, Row
from bot.facts import Act, Action, EngineEvent
from bot.voicechat.mel import LEAD
from bot.voicechat.model import CallOptions, Prepared
from bot.voicechat.prompts import LONGEST, prompt_of
from bot.voicechat.seating import FrameIn, Seats
from bot.voicechat.speechconfig import SPEECH_RATE
from bot.voicechat.turnpolicy import preset
from media.frame import STEP

logger = logging.getLogger(__name__)

FAREWELL = 150
"""Positions (12 s) that a row has beyond its longest call, to say goodbye in."""

LOOKS = 4
"""So often (every 20 ms) a row that waits for its prompt lets the others step first."""


@dataclass(slots=True)
class _Tenant:
    row: Row
    options: CallOptions
    seed: int
    prepared: Prepared | None = None
    failed: bool = False
    left: bool = False
    """It has been told to hang up."""


class VoiceChatEngine:
    """See ``bot.engine.DuplexEngine``. ``held`` is what it lives in, closed with it."""

    def __init__(self, seats: Seats, choice: VoiceChatChoice, *, plan: str = "") -> None:
        """``seats`` are of at least ``choice.longest_frames`` positions. Raises ``OptionError``."""
        self._seats, self._choice, self.held = seats, choice, ExitStack()
        self._spec = EngineSpec(
            name="voicechat", rate_out=SPEECH_RATE, lead=LEAD, width=seats.rows, plan=plan
        )
        self._bounds = Bounds(choice.rollover_frames, choice.longest_frames)
        self._turns = preset(choice.turn_taking)
        self._prompts = Prefilled(seats.model, length=seats.length)
        self._tenants: list[_Tenant | None] = [None] * seats.rows
        self._waited = LOOKS
        seats.step({})  # the first step of a process takes longer than all others

    @property
    def spec(self) -> EngineSpec:
        """Sound in at 16 kHz, 67.5 ms earlier than whole frames would be in; out at 22.05 kHz."""
        return self._spec

    def reset(self, row: int, options: SessionOptions) -> None:
        """Give the row to a new call; its prompt is taken when ``ready`` is asked for.

        Raises ``UnknownVoice``.
        """
        model = self._seats.model
        prompt = model.prompt_ids(self._prompt(options))
        voice = options.persona.get("voice")
        if model.speech is not None:
            model.speech.prepared(voice)
        lines, watched = Lines.of(options.persona), self._choice.watchdog
        self._tenants[row] = _Tenant(
            Row(model, lines=lines, bounds=self._bounds, watched=watched),
            self._options(prompt, voice),
            options.seed,
        )

    def ready(self, row: int) -> bool:
        """Whether prompt and voice are in the row; takes one prompt, if others have stepped since
        the last."""
        tenant = self._tenants[row]
        if tenant is None or tenant.failed or tenant.prepared is not None:
            return True
        if not self._prompts.has(tenant.options) and self._waited < LOOKS:
            self._waited += 1
            return False
        try:
            tenant.prepared = self._prompts.of(tenant.options)
            self._begin(row, tenant)
        except Exception:
            logger.exception("voicechat engine: row %d could not take its prompt", row)
            tenant.failed = True
        self._waited = 0
        return True

    def step(self, batch: StepBatch) -> StepResult:
        """Advance every masked row in one step of the model; a row that fails hangs up, alone."""
        due = [int(row) for row in np.flatnonzero(batch.mask)]
        frames = {row: frame for row in due if (frame := self._before(row, batch)) is not None}
        outs = self._seats.step(frames) if frames else {}
        pcm = np.zeros((self._spec.width, self._spec.n_out), np.int16)
        events: list[tuple[EngineEvent, ...]] = [()] * self._spec.width
        for row in due:
            tenant = self._tenants[row]
            if tenant is None:
                continue
            try:
                if row in outs:
                    at = batch.at[row]
                    step = (at - self._spec.lead) // STEP
                    sound = tenant.row.after(outs[row], step=step, at=at)
                    pcm[row, : len(sound)] = sound
                events[row] = tuple(tenant.row.told())
            except Exception:
                self._fails(row, tenant)
            if tenant.failed and not tenant.left:
                tenant.left = True
                events[row] += (Action(Act.HANGUP, {"reason": "engine-error"}),)
        self._waited = LOOKS
        return StepResult(pcm=pcm, events=tuple(events))

    def release(self, row: int) -> None:
        """The row's call is over."""
        self._tenants[row] = None

    def close(self) -> None:
        """Put torch's switches back; the model goes with the engine."""
        self._tenants = [None] * self._spec.width
        self.held.close()

    def _prompt(self, options: SessionOptions) -> str:
        tokenizer = self._seats.model.tokenizer

        def count(text: str) -> int:
            return len(tokenizer.encode(text, add_special_tokens=False).ids)

        limit = min(LONGEST, self._bounds.rollover // 2)  # the rest is for the call
        return prompt_of(options.persona, options.system_prompt, count=count, limit=limit)

    def _options(self, prompt: tuple[int, ...], voice: str | None) -> CallOptions:
        choice = self._choice
        return CallOptions(
            prompt=prompt,
            greedy=choice.greedy,
            top_p=choice.top_p,
            temperature=choice.temperature,
            repetition_penalty=choice.repetition_penalty,
            turns=self._turns,
            voice=voice,
        )

    def _begin(self, row: int, tenant: _Tenant) -> None:
        """From the snapshot behind the prompt, which calls share; what they draw is their own."""
        if tenant.prepared is None:
            return
        tenant.prepared.state.sampler.generators.seed_row(0, tenant.seed)
        self._seats.begin(row, replace(tenant.prepared, seed=tenant.seed))
        tenant.row.begun()

    def _before(self, row: int, batch: StepBatch) -> FrameIn | None:
        """What the row is given; nothing if it does not step: on hold, failed, or full."""
        tenant = self._tenants[row]
        if tenant is None or tenant.failed:
            return None
        try:
            used = self._seats.used(row)
            if not tenant.row.learn(batch.facts[row], used=used):
                return None
            if tenant.row.fresh:
                self._begin(row, tenant)
            elif used >= self._seats.length:
                tenant.failed = True  # the farewell took longer than there was room for
                return None
            return tenant.row.frame(batch.pcm[row])
        except Exception:
            self._fails(row, tenant)
            return None

    def _fails(self, row: int, tenant: _Tenant) -> None:
        logger.exception("voicechat engine: row %d failed; it hangs up", row)
        tenant.failed = True
