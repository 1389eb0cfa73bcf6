"""What a frame of the voicechat brain costs, by stage and number of rows.

    python -m benchmarks.voicechat_step [--full-size] [--device cuda] [--rows 1 2 4 8] [--graphs]

Random weights: the steps are the same kernels over the same bytes whatever the values are. Needs
what bot.voicechat needs and nothing else. Toy widths unless --full-size, which has the shapes of
the released 11B (about 26 GB with a thinker in bfloat16).

Stages are timed one after the other, the device waited for in between; "frame" is all of them in
a row, waited for once. Rows per second are the rows of a frame over its p50; a row in real time
takes 12.5 frames a second.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.voicechat_model import (
    SEED,
    add_arguments,
    chosen_model,
    machine,
    parameters,
    parsed,
    profile_of,
)
from bot.voicechat.codec import exact
from bot.voicechat.duplex import Dictated
from bot.voicechat.graphs import capture
from bot.voicechat.mel import FRAME
from bot.voicechat.model import VoiceChat
from bot.voicechat.precision import PRODUCTION, precision
from bot.voicechat.rows import nbytes
from bot.voicechat.special import SpecialTokens
from bot.voicechat.stepping import Inputs, Said, Stepper
from bot.voicechat.turnpolicy import PRESETS
from bot.voicechat.turntaking import Heard

FRAME_MS = 80
UNTIMED = 5
"""Frames before the clock starts: lazily loaded kernels, allocator."""

PAD = SpecialTokens().pad


class Rows:
    """The state of so many calls, and the stages of a frame over it."""

    def __init__(self, model: VoiceChat, *, rows: int, length: int) -> None:
        self._model = model
        self.state = model.new_state(rows, length)
        for row in range(rows):
            self.state.sampler.options.set_row(
                row, top_p=0.9, temperature=0.8, repetition_penalty=1.1
            )
            self.state.turns.options.set_row(row, PRESETS["responsive"])
        self.host = Dictated.nothing(rows, device=model.device)
        self.inputs = Inputs.nobody(rows, device=model.device)

    def mel(self, pcm: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        return self._model.perception.mel.step(self.state.hearing.mel, pcm, mask)

    def encoder(self, columns: Tensor, valid: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        perception = self._model.perception
        encoded = perception.encoder.step(self.state.hearing.encoder, columns, valid, mask)
        return encoded, perception.project(encoded)

    def rnnt(self, encoded: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        assert self._model.rnnt is not None
        assert self.state.words is not None
        return self._model.rnnt.step(self.state.words, encoded, mask)

    def thinker(self, audio: Tensor, text: Tensor, function: Tensor, mask: Tensor) -> Tensor:
        thinker = self._model.llm.thinker
        embeds = thinker.build_input_embedding(audio, text=text, function=function)
        return thinker.step(self.state.thinking.thinker, embeds, mask)

    def heads(self, hidden: Tensor, symbols: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """And what is made of them: a token of either channel."""
        logits = self._model.llm.thinker.logits(hidden)
        assert logits.function is not None
        assert self._model.kinds is not None
        state, t = self.state.thinking, self.state.thinking.thinker.position
        text = self.state.sampler(logits.text, state=state, t=t, mask=mask)
        asr, heard = torch.full_like(text, PAD), Heard.of(symbols, self._model.kinds)
        text = self.state.turns(text, asr=asr, heard=heard, dictated=self.host, mask=mask)
        return text, logits.function.argmax(-1)

    def talker(self, text: Tensor, mask: Tensor) -> Tensor:
        assert self._model.speech is not None
        assert self.state.speech is not None
        return self._model.speech.choose(self.state.speech, text, mask)

    def codec(self, codes: Tensor, mask: Tensor) -> Tensor:
        assert self._model.speech is not None
        assert self.state.speech is not None
        with precision(**exact(PRODUCTION.switches)):
            return self._model.speech.sound(self.state.speech, codes, mask)

    def stepper(self, *, graphs: bool) -> Callable[..., Said]:
        """All of it, as an engine has it."""
        step = Stepper(self._model, self.state, graphs=graphs)

        def frame(pcm: Tensor, mask: Tensor) -> Said:
            return step(self.inputs._replace(pcm=pcm, mask=mask))

        return frame


STAGES = {
    "mel": "mel",
    "encoder": "encoder",
    "rnnt": "rnnt",
    "thinker": "thinker",
    "heads": "heads+choosing",
    "talker": "talker",
    "codec": "codec",
    "frame": "frame",
}


class Clock:
    """Times steps, in milliseconds, the device waited for."""

    def __init__(self, rows: Rows, *, device: torch.device, graphs: bool) -> None:
        self._rows, self._device, self._graphs = rows, device, graphs
        self._steps: dict[str, Callable[..., Any]] = {}
        self.taken: dict[str, list[float]] = defaultdict(list)

    def run(self, stage: str, *inputs: Tensor) -> Any:
        """One step; the mask is the last of the inputs."""
        if stage not in self._steps:
            self._steps[stage] = self._step(stage, inputs)
        self._wait()
        start = time.perf_counter()
        out = self._steps[stage](*inputs)
        self._wait()
        self.taken[stage].append((time.perf_counter() - start) * 1e3)
        return out

    def _step(self, stage: str, inputs: tuple[Tensor, ...]) -> Callable[..., Any]:
        if stage == "frame":
            return self._rows.stepper(graphs=self._graphs)
        step: Callable[..., Any] = getattr(self._rows, stage)
        if not self._graphs:
            return step
        *examples, mask = inputs
        return capture(step, (*examples, torch.zeros_like(mask)))

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def measure(model: VoiceChat, *, rows: int, chosen: argparse.Namespace) -> tuple[Clock, int]:
    """Run the frames; how long each stage took, and the bytes of a row's state."""
    device = model.device
    calls = Rows(model, rows=rows, length=chosen.length)
    clock = Clock(calls, device=device, graphs=chosen.graphs)
    generator = torch.Generator(device).manual_seed(SEED)
    mask = torch.ones(rows, dtype=torch.bool, device=device)
    text = function = torch.full((rows,), PAD, device=device)
    for turn in range(UNTIMED + chosen.frames):
        if turn == UNTIMED:
            clock.taken.clear()
        pcm = torch.randn(rows, FRAME, generator=generator, device=device) * 0.1
        columns, valid = clock.run("mel", pcm, mask)
        encoded, audio = clock.run("encoder", columns, valid, mask)
        symbols, _ = clock.run("rnnt", encoded, mask)
        hidden = clock.run("thinker", audio, text, function, mask)
        text, function = clock.run("heads", hidden, symbols, mask)
        codes = clock.run("talker", text, mask)
        clock.run("codec", codes, mask)
        said = clock.run("frame", pcm, mask)
        text, function = said.text, said.function
    return clock, nbytes(calls.state) // rows


def table(model: VoiceChat, chosen: argparse.Namespace) -> Iterator[str]:
    """Its lines, each as soon as it is known."""
    titles = "".join(f"{title:>16}" for title in STAGES.values())
    yield f"{'rows':>4}{titles}{'rows/s':>9}{'row, MB':>9}   ms, p50 / p95"
    for rows in chosen.rows:
        try:
            clock, row_bytes = measure(model, rows=rows, chosen=chosen)
        except torch.OutOfMemoryError:
            yield f"{rows:>4}  out of memory"
            return
        cells, per_second = "", 0.0
        for stage in STAGES:
            half, most = np.percentile(clock.taken[stage], (50, 95))
            cells += f"{f'{half:.2f} / {most:.2f}':>16}"
            per_second = rows * 1e3 / half
        yield f"{rows:>4}{cells}{per_second:>9.1f}{row_bytes / 1e6:>9.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--frames", type=int, default=50, help="timed, for each number of rows")
    parser.add_argument("--length", type=int, default=2048, help="positions that a row can hold")
    add_arguments(parser)
    chosen = parsed(parser)
    profile = profile_of(chosen)
    with precision(**profile.switches):
        model = chosen_model(chosen)
        switches = ", ".join(f"{key}={value}" for key, value in profile.switches.items())
        print(machine(model.device))
        print(f"{parameters(model) / 1e6:.1f} M parameters, thinker in {chosen.dtype}; {switches}")
        talker = f"talker's memory in {chosen.memory}, guidance: {not chosen.no_guidance}"
        print(f"{talker}; {chosen.frames} frames, {chosen.length} a row, graphs: {chosen.graphs}")
        for line in table(model, chosen):
            print(line, flush=True)


if __name__ == "__main__":
    main()
