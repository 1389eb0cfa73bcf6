"""From what was asked for to an engine: a device, dtypes, weights, as many rows as it carries."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from bot.engines.voicechat.choice import VoiceChatChoice
from bot.engines.voicechat.engine import FAREWELL, VoiceChatEngine
from bot.errors import EngineFault
from bot.voicechat.build import build
from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.devices import device_of, profile_of
from bot.voicechat.model import VoiceChat
from bot.voicechat.precision import precision
from bot.voicechat.seating import Seats
from bot.voicechat.seatplan import measured
from media.clock import perf

SPANS = (512, 1024)
"""On a GPU the talker reads so many positions, as long as no call that steps has more."""


def load(choice: VoiceChatChoice, *, seats: int | None) -> VoiceChatEngine:
    """Load the model and make its rows; torch's switches are the engine's until it is closed.

    ``seats`` of None: as many as keep up, measured. Raises ``CheckpointError``, ``OptionError``,
    and ``EngineFault`` if not even one does.
    """
    device = device_of(choice.device)
    profile = profile_of(device, dtype=choice.dtype, memory=choice.memory)
    with ExitStack() as held:
        held.enter_context(precision(**profile.switches))
        checkpoint = open_checkpoint(choice.model)
        speech = checkpoint.config.speech
        if speech is not None and choice.guidance is not None:
            speech = replace(speech, guidance=choice.guidance)
        model = build(checkpoint, profile=profile, device=device, speech=speech)
        rows, plan = (seats, "") if seats else _planned(model, choice)
        engine = VoiceChatEngine(_seats(model, rows, choice), choice, plan=plan)
        engine.held = held.pop_all()
    return engine


def _seats(model: VoiceChat, rows: int, choice: VoiceChatChoice) -> Seats:
    """With room for the longest call and its farewell; as CUDA graphs on a GPU."""
    gpu = model.device.type == "cuda"
    spans = SPANS if gpu else ()
    return Seats(model, rows=rows, length=_length(choice), graphs=gpu, spans=spans)


def _length(choice: VoiceChatChoice) -> int:
    return choice.longest_frames + FAREWELL


def _planned(model: VoiceChat, choice: VoiceChatChoice) -> tuple[int, str]:
    """How many rows, and why."""
    gpu = model.device.type == "cuda"
    found = measured(model, length=_length(choice), clock=perf, graphs=gpu)
    if not found.seats:
        raise EngineFault(engine="voicechat", why=f"not one call can be carried: {found.why}")
    step, size = f"{found.step_p99_ms:.1f} ms a step (p99)", f"{found.bytes_per_seat / 1e6:.0f} MB"
    return found.seats, f"{step}, {size} a call; {found.why}"
