"""Calls that come and go in the rows of a model, and the same calls alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, CallState, Step, VoiceChat
from bot.voicechat.turnpolicy import PRESETS

LENGTH, FRAMES = 80, 30


def stepped(
    model: VoiceChat, state: CallState, pcm: Tensor, mask: Tensor
) -> tuple[Step, Tensor | None]:
    """A frame, and what is heard of it if anything is said aloud."""
    done = model.step(state, pcm, mask)
    if model.speech is None or state.speech is None or done.codes is None:
        return done, None
    return done, model.speech.sound(state.speech, done.codes, mask)


@dataclass
class Call:
    """One caller: when it begins, how, and what it says; what it was answered."""

    begins: int
    options: CallOptions
    sound: Tensor  # [FRAMES, 1280]
    text: list[int]
    function: list[int]
    pieces: list[list[int]]
    logits: list[Tensor]
    codes: list[list[int]]
    pcm: list[Tensor]

    @classmethod
    def number(cls, n: int, model: VoiceChat) -> Call:
        generator = torch.Generator().manual_seed(n)
        loudness = torch.rand(FRAMES, 1, generator=generator) * 0.3
        sound = torch.randn(FRAMES, FRAME, generator=generator) * loudness
        options = CallOptions(
            prompt=model.prompt_ids("help the number " * (n % 4)),
            greedy=n % 3 == 0,
            top_p=1.0 - n / 20,
            temperature=0.5 + n / 4,
            repetition_penalty=1.0 + n / 10,
            seed=7 * n,
            turns=[None, *PRESETS.values()][n % 4],
        )
        return cls(2 * n, options, sound, [], [], [], [], [], [])

    def take(self, done: Step, row: int, pcm: Tensor | None) -> None:
        self.text.append(int(done.frame.text[row]))
        self.function.append(int(done.frame.function[row]))
        if done.words is not None:
            self.pieces.append(done.words.ids[row].tolist())
        self.logits.append(done.frame.logits.text[row])
        if pcm is not None and done.codes is not None:
            self.codes.append(done.codes[row].tolist())
            self.pcm.append(pcm[row])

    @property
    def over(self) -> bool:
        return len(self.text) == FRAMES


def alone(model: VoiceChat, n: int) -> Call:
    call, state = Call.number(n, model), model.new_state(1, LENGTH)
    model.start(state, 0, call.options)
    for pcm in call.sound:
        done, said = stepped(model, state, pcm[None], torch.tensor([True]))
        call.take(done, 0, said)
    return call


def together(model: VoiceChat, numbers: range, rows: int) -> list[Call]:
    """Calls come when they come, take the first free row, pause now and then, and go."""
    calls = [Call.number(n, model) for n in numbers]
    state, seats = model.new_state(rows, LENGTH), dict[int, Call]()
    waiting = list(calls)
    for tick in range(1000):
        for row in sorted(set(range(rows)) - seats.keys()):
            if waiting and waiting[0].begins <= tick:
                seats[row] = waiting.pop(0)
                model.start(state, row, seats[row].options)
        mask = torch.tensor([row in seats and (tick + row) % 5 != 0 for row in range(rows)])
        pcm = torch.full((rows, FRAME), float("nan"))  # nobody may look at rows that do not step
        for row in mask.nonzero()[:, 0].tolist():
            pcm[row] = seats[row].sound[len(seats[row].text)]
        done, said = stepped(model, state, pcm, mask)
        for row in mask.nonzero()[:, 0].tolist():
            seats[row].take(done, row, said)
            if seats[row].over:
                del seats[row]
        if not waiting and not seats:
            return calls
    raise AssertionError("the calls did not end")
