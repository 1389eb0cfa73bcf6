"""The pipeline against our own offline run, and against what NeMo recorded.

Offline: ears over the whole recording, then frame by frame the mind and the mouth with the start
convention of a call, then the decoder over all codes.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bot.voicechat.build import load
from bot.voicechat.mel import FRAME, frames_of
from bot.voicechat.model import VoiceChat
from bot.voicechat.outputs import S2SStreamingOutput
from bot.voicechat.pipeline import S2SSettings, StreamingS2SPipeline
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.seating import FrameIn, FrameOut
from bot.voicechat.streams import Floats, Frame, MonoStream
from bot.voicechat.turnpolicy import TurnPolicy
from bot.voicechat.turntaking import Heard

LENGTH, SPANS = 60, (12, 20)
ON = torch.ones(1, dtype=torch.bool)
LATE, EDGE, SOUND = 8, 6, 1e-4
"""Of the streamed sound; samples at its beginning that differ, as no frame is before them."""

SIZES = [FRAME * 9, FRAME * 4 + 333, 700, FRAME * 12 + 1279, FRAME * 6 + 199, FRAME, 0]
PRESETS = [None, "native", "responsive", "published"]


def options_of(n: int) -> S2SRequestOptions:
    return S2SRequestOptions(
        system_prompt="help the number " * (n % 3),
        top_p=[1.0, 0.9][n % 2],
        temperature=[1.0, 1.7][n % 2],
        repetition_penalty=[1.0, 1.2][n % 2],
        seed=3 * n,
        turn_taking=PRESETS[n % 4],
    )


def sound_of(n: int) -> Floats:
    rng = np.random.default_rng(n)
    return (0.2 * rng.standard_normal(SIZES[n])).astype(np.float32)


@dataclass(frozen=True)
class Offline:
    text: list[int]
    function: list[int]
    pieces: list[tuple[int, ...]]
    codes: list[list[int]]
    audio: Tensor


def offline(model: VoiceChat, n: int) -> Offline:
    options, speech = options_of(n).call_options(model), model.speech
    assert speech is not None
    state = model.new_state(1, LENGTH)
    model.start(state, 0, options)
    assert state.speech is not None
    # The mel of nothing cannot be taken at once: a sample that is not sound counts as none.
    wav = torch.from_numpy(np.pad(sound_of(n), (0, 1)))[None]
    encoded, valid = model.perception.whole(wav, torch.tensor([SIZES[n]]))
    count = frames_of(SIZES[n])
    assert len(encoded[0]) >= count >= int(valid)
    done = Offline([], [], [], [], torch.empty(0))
    for row in encoded[0, :count, None].unbind(0):
        assert model.rnnt is not None
        assert model.kinds is not None
        assert state.words is not None
        words = model.rnnt.step(state.words, row, ON)
        frame = model.llm.step(
            state.thinking,
            model.perception.project(row),
            ON,
            choose=state.sampler,
            take_turns=state.turns,
            heard=Heard.of(words.ids, model.kinds),
        )
        done.text.append(int(frame.text))
        done.function.append(int(frame.function))
        done.pieces.append(tuple(words.ids[0, : int(words.count)].tolist()))
        done.codes.append(speech.choose(state.speech, frame.text, ON)[0].tolist())
    return replace(done, audio=speech.decoder.whole(torch.tensor([done.codes]))[0])


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


@pytest.fixture(scope="module")
def wanted(model: VoiceChat) -> list[Offline]:
    found = [offline(model, n) for n in range(len(SIZES))]
    assert len({str(one.text) for one in found}) == len(found)
    return found


class Recording(StreamingS2SPipeline):
    """Keeps the codes of each stream, which no output has."""

    def __init__(self, model: VoiceChat, *, batch_size: int) -> None:
        super().__init__(model, S2SSettings(length=LENGTH, batch_size=batch_size, spans=SPANS))
        self.codes: dict[int, list[list[int]]] = defaultdict(list)

    def infer_one_step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        told, state = super().infer_one_step(frames), self.context.seats.state
        assert state.speech is not None
        for stream in self.context:
            if (row := self.context.slot(stream).row) in frames:
                self.codes[stream].append(state.speech.talker.codes[row].tolist())
        return told


def compare(got: S2SStreamingOutput, codes: list[list[int]], want: Offline) -> None:
    assert got.error is None
    assert got.token_text == want.text
    assert got.token_function == want.function
    assert got.token_rnnt == want.pieces
    assert codes == want.codes
    assert len(got.audio) == len(want.audio) == 1764 * len(want.codes)
    late = torch.from_numpy(got.audio)[LATE + EDGE :]
    torch.testing.assert_close(late, want.audio[EDGE:-LATE], atol=SOUND, rtol=0)
    assert float(want.audio.std()) > 1e-3


def live(pipeline: StreamingS2SPipeline, chunk: int) -> list[S2SStreamingOutput]:
    """All streams as calls; one begins every other tick, where there is a slot."""
    outputs = [pipeline.new_output(n) for n in range(len(SIZES))]
    waiting, on = deque(range(len(SIZES))), dict[int, Iterator[Frame]]()
    for tick in range(200):
        if waiting and tick % 2 == 0 and pipeline.context.free:
            n = waiting.popleft()
            on[n] = iter(MonoStream(sound_of(n), n, chunk * FRAME, options_of(n)))
        frames = [next(one) for one in on.values()]
        for frame, step in zip(frames, pipeline.generate_step(frames), strict=True):
            assert step.stream_id == frame.stream_id
            outputs[step.stream_id].append(step)
            if frame.is_last:
                del on[frame.stream_id]
            else:
                assert len(step.text_tokens) == chunk
                assert len(step.audio) == chunk * 1764
        if not waiting and not on:
            return outputs
    raise AssertionError("the streams did not end")


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_live_streams_equal_the_offline_run(
    model: VoiceChat, wanted: list[Offline], chunk: int, batch_size: int
) -> None:
    pipeline = Recording(model, batch_size=batch_size)
    pipeline.open_session()
    outputs = live(pipeline, chunk)
    assert not list(pipeline.context)
    for n, output in enumerate(outputs):
        compare(output, pipeline.codes[n], wanted[n])


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_whole_inputs_equal_the_offline_run(
    model: VoiceChat, wanted: list[Offline], batch_size: int
) -> None:
    pipeline = Recording(model, batch_size=batch_size)
    streams = (MonoStream(sound_of(n), n, 2 * FRAME, options_of(n)) for n in range(len(SIZES)))
    outputs = {output.stream_id: output for output in pipeline.run(streams)}
    assert sorted(outputs) == list(range(len(SIZES)))
    assert (list(outputs) == sorted(outputs)) == (batch_size == 1)
    for n, output in outputs.items():
        compare(output, pipeline.codes[n], wanted[n])


def test_tokens_golden(case: Any) -> None:
    """Two streams of the recorded sound side by side, and a third one when one has ended."""
    model, stt = load(case.folder, speak=False), case.golden("stt")
    turns = TurnPolicy.of_checkpoint(model.config.thinker.forced_turns, spare_bos=False)
    options = S2SRequestOptions(system_prompt=case.meta["prompt"], turn_taking=turns)
    wav = case.golden("audio")["user_16k"][0].numpy()
    length = stt["gen_text_full"].shape[1]
    settings = S2SSettings(length=length, batch_size=2, defaults=options)
    streams = [MonoStream(wav, n) for n in range(3)]
    for output in StreamingS2SPipeline(model, settings).run(streams):
        assert output.error is None
        count = int(case.golden("perception")["enc_len"])
        start = len(model.prompt_ids(case.meta["prompt"] or ""))
        assert output.token_length == count
        part = slice(start, start + count)
        assert output.token_text == stt["gen_text_full"][0, part].tolist()
        if output.capabilities.has_asr_head:
            assert output.token_asr == stt["gen_asr_full"][0, part].tolist()
