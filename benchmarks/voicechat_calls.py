"""How many live calls the voicechat brain carries: frames that come when they come, up to the knee.

    python -m benchmarks.voicechat_calls [--full-size] [--device cuda] [--graphs] [--calls 1 2 4 8]
    python -m benchmarks.voicechat_calls --estimate

Calls arrive at random moments of the first two seconds and send a frame every 80 ms from there on.
As in an engine, a step takes every row whose frame is due; it waits a few milliseconds for more,
but never so long that the first would be late. Every row is --context frames old all along, and
what is read of its memory with it. Random weights, as in voicechat_step; all in one process.

late/10k: frames in 10,000 whose tokens and sound were not back on the host when the call's next
frame was due. A frame that comes just behind a step's start waits for that one and is then stepped
itself, so some are late as soon as a step takes 40 ms; whoever plays the sound holds that much
back. behind/10k: frames whose step had not even begun then; from there on the engine does not keep
pace, and that is the knee. First audio is from a call's arrival to its first 80 ms of sound, the
row's begin and the 12.4 ms until its first frame is complete included. Frames of the first two
seconds are not in the other figures. --estimate measures nothing: see voicechat_estimate.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks import voicechat_calls_plot, voicechat_estimate
from benchmarks.voicechat_model import (
    SEED,
    add_arguments,
    chosen_model,
    machine,
    parameters,
    parsed,
    profile_of,
)
from benchmarks.voicechat_pacing import FRAME_MS, Calls, Clock, Figures, RealClock
from bot.voicechat.mel import FRAME
from bot.voicechat.model import CallOptions, Prepared, VoiceChat
from bot.voicechat.precision import precision
from bot.voicechat.rows import nbytes
from bot.voicechat.seating import FrameIn, Seats

RAMP_MS = 2000.0
"""In which all calls arrive."""
UNTIMED = 5
"""Steps before the clock starts."""
KNEE = 100
"""Frames in 10,000 that may be behind; with more of them no more calls are tried."""


class Sitting:
    """Seats whose calls are ``context`` frames old when they begin."""

    def __init__(self, model: VoiceChat, *, rows: int, chosen: argparse.Namespace) -> None:
        self._context = chosen.context
        frames = int((RAMP_MS + chosen.seconds * 1e3) / FRAME_MS) + UNTIMED
        length = self._context + frames + 1
        self.seats = Seats(model, rows=rows, length=length, graphs=chosen.graphs)
        self._prepared = _aged(model.prepared(_options(model), length), self._context)
        rng = np.random.default_rng(SEED)
        noise = (0.1 * rng.standard_normal((64, FRAME))).astype(np.float32)
        self._frames = [FrameIn(pcm) for pcm in noise]
        for row in range(rows):
            self.begin(row)
        for _ in range(UNTIMED):
            self.step(list(range(rows)))

    def begin(self, row: int) -> None:
        """A call takes a row. What it remembers is zeros, which are read like all else."""
        self.seats.begin(row, self._prepared)
        if (speech := self.seats.state.speech) is not None:
            speech.talker.backbone.position[row] += self._context

    def step(self, rows: list[int]) -> None:
        self.seats.step({row: self._frames[row % len(self._frames)] for row in rows})


def _options(model: VoiceChat) -> CallOptions:
    voice = None if model.speech is None else next(iter(model.speech.latents))
    return CallOptions(
        greedy=False, top_p=0.9, temperature=0.8, repetition_penalty=1.1, voice=voice
    )


def _aged(prepared: Prepared, context: int) -> Prepared:
    prepared.state.thinking.thinker.position.fill_(context)
    return prepared


def measure(
    model: VoiceChat, *, calls: int, chosen: argparse.Namespace, clock: Clock
) -> tuple[Figures, int]:
    """So many calls for so long, and the bytes of each."""
    sitting = Sitting(model, rows=calls, chosen=chosen)
    arrivals = np.random.default_rng(SEED + calls).uniform(0, RAMP_MS - FRAME_MS, calls).tolist()
    live = Calls(
        arrivals,
        begin=sitting.begin,
        step=sitting.step,
        clock=clock,
        gather_ms=chosen.gather,
    )
    figures = live.run(ramp_ms=RAMP_MS, until_ms=RAMP_MS + chosen.seconds * 1e3)
    return figures, nbytes(sitting.seats.state) // calls


HEAD = (
    f"{'calls':>5}{'step, ms: p50':>15}{'p99':>8}{'p99.9':>8}{'rows/step':>11}"
    f"{'frame, ms: p50':>16}{'p99':>8}{'late/10k':>10}{'behind/10k':>12}"
    f"{'first audio, ms':>17}{'max':>8}{'call, MB':>10}{'peak, GB':>10}"
)


def line(calls: int, figures: Figures, *, row_bytes: int, peak: int) -> str:
    """Of the table under ``HEAD``."""
    steps = np.percentile(figures.steps, (50, 99, 99.9))
    taken = np.percentile(figures.taken, (50, 99))
    return (
        f"{calls:>5}{steps[0]:>15.2f}{steps[1]:>8.2f}{steps[2]:>8.2f}"
        f"{np.mean(figures.rows):>11.1f}{taken[0]:>16.2f}{taken[1]:>8.2f}{figures.late:>10.1f}"
        f"{figures.behind:>12.1f}"
        f"{np.median(figures.first):>17.1f}{max(figures.first):>8.1f}"
        f"{row_bytes / 1e6:>10.1f}{f'{peak / 1e9:.1f}' if peak else '-':>10}"
    )


def table(
    model: VoiceChat, chosen: argparse.Namespace, *, found: dict[int, Figures], clock: Clock
) -> Iterator[str]:
    """Its lines, each as soon as it is known; what was measured is added to ``found``."""
    yield HEAD
    cuda = model.device.type == "cuda"
    for calls in chosen.calls:
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(model.device)
        try:
            figures, row_bytes = measure(model, calls=calls, chosen=chosen, clock=clock)
        except torch.OutOfMemoryError:
            yield f"{calls:>5}  out of memory"
            return
        found[calls] = figures
        peak = torch.cuda.max_memory_allocated(model.device) if cuda else 0
        yield line(calls, figures, row_bytes=row_bytes, peak=peak)
        if figures.behind > KNEE:
            yield f"{calls} calls are past the knee: more than {KNEE} frames in 10,000 are behind"
            return


def arguments() -> argparse.ArgumentParser:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128])
    parser.add_argument("--seconds", type=float, default=20, help="timed, for each number of calls")
    parser.add_argument("--context", type=int, default=1500, help="frames that every row has had")
    parser.add_argument("--gather", type=float, default=4, help="ms that a due frame may wait")
    add_arguments(parser)
    parser.add_argument("--plot", type=Path, help="an SVG file to be written")
    parser.add_argument("--estimate", action="store_true", help="bytes and launches, unmeasured")
    return parser


def main() -> None:
    """Print the table."""
    chosen = parsed(arguments())
    if chosen.estimate:
        for one in voicechat_estimate.table(context=chosen.context):
            print(one, flush=True)
        return
    found: dict[int, Figures] = {}
    with precision(**profile_of(chosen).switches):
        model = chosen_model(chosen)
        for one in title(model, chosen):
            print(one)
        for one in table(model, chosen, found=found, clock=RealClock()):
            print(one, flush=True)
    if chosen.plot is not None:
        voicechat_calls_plot.write(chosen.plot, {n: one.steps for n, one in found.items()})


def title(model: VoiceChat, chosen: argparse.Namespace) -> Iterator[str]:
    """What was measured, and on what."""
    yield machine(model.device)
    yield (
        f"{parameters(model) / 1e6:.1f} M parameters, thinker in {chosen.dtype}, talker's memory "
        f"in {chosen.memory}, guidance: {not chosen.no_guidance}, graphs: {chosen.graphs}"
    )
    yield (
        f"{chosen.seconds:g} s of each number of calls, every row {chosen.context} frames old, "
        f"frames wait {chosen.gather:g} ms for others at most"
    )


if __name__ == "__main__":
    main()
