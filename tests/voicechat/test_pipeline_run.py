"""Whole inputs through the slots of a pipeline, on the tiny checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pytest

from bot.voicechat.build import load
from bot.voicechat.mel import FRAME
from bot.voicechat.model import VoiceChat
from bot.voicechat.pipeline import S2SSettings, StreamingS2SPipeline
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.seating import FrameIn, FrameOut
from bot.voicechat.streams import Frame, MonoStream, Padding, Stream, padded
from bot.voicechat.text import TextStream
from tests.voicechat.streaming import LENGTH, WILD, alike, first, noise, one, opened


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


@dataclass(frozen=True)
class Broken:
    """Gives so many frames, and then raises."""

    stream_id: int
    frames: int
    error: Exception

    def __iter__(self) -> Iterator[Frame]:
        yield from islice(MonoStream(noise(50), self.stream_id), self.frames)
        raise self.error


def test_a_streams_fault_is_its_own(model: VoiceChat) -> None:
    pipeline = StreamingS2SPipeline(model, S2SSettings(length=LENGTH, batch_size=2))
    lost = OSError("no such file")
    streams: list[Stream] = [
        Broken(0, 0, lost),
        MonoStream(noise(5, 1), 1),
        Broken(2, 1, lost),
        MonoStream(noise(LENGTH + 5, 3), 3),
        MonoStream(noise(5), 4, options=S2SRequestOptions(voice="Nobody")),
        MonoStream(noise(7, 5), 5),
        MonoStream(noise(5, 5), 5),
    ]
    outputs = list(pipeline.run(streams))
    kinds = {(o.stream_id, type(o.error).__name__, o.token_length) for o in outputs}
    assert kinds == {
        (0, "OSError", 0),
        (1, "NoneType", 6),
        (2, "OSError", 1),
        (3, "StreamError", LENGTH),
        (4, "UnknownVoice", 0),
        (5, "NoneType", 8),
        (5, "NoneType", 6),
    }
    (alone,) = opened(model).run([MonoStream(noise(5, 1), 1)])
    assert alike(alone, next(o for o in outputs if o.stream_id == 1))


class Counted(StreamingS2SPipeline):
    """Keeps how many streams were in each step."""

    widths: tuple[int, ...] = ()

    def infer_one_step(self, frames: Mapping[int, FrameIn]) -> dict[int, FrameOut]:
        self.widths += (len(frames),)
        return super().infer_one_step(frames)


def test_results_come_as_they_finish_and_slots_are_taken_at_once(model: VoiceChat) -> None:
    pipeline = Counted(model, S2SSettings(length=LENGTH, batch_size=2))
    streams = [MonoStream(noise(frames), n) for n, frames in enumerate((9, 2, 3, 1, 4))]
    found = [(o.stream_id, len(pipeline.widths)) for o in pipeline.run(streams)]
    # Of n frames of sound there are n + 1; stream 0 has one slot, the others the other one.
    assert found == [(1, 3), (2, 7), (3, 9), (0, 10), (4, 14)]
    assert pipeline.widths == (2,) * 10 + (1,) * 4


def test_whoever_stops_reading_results_leaves_no_stream(model: VoiceChat) -> None:
    pipeline = opened(model, batch_size=2)
    results = pipeline.run(MonoStream(noise(n + 1), n) for n in range(5))
    assert next(results).stream_id == 0
    assert list(pipeline.context)
    results.close()  # type: ignore[attr-defined]
    assert pipeline.context.free == 2


def test_results_nobody_reads_close_no_other_session(model: VoiceChat) -> None:
    pipeline = StreamingS2SPipeline(model, S2SSettings(length=LENGTH))
    results = pipeline.run(MonoStream(noise(n + 1), n) for n in range(3))
    next(results)
    pipeline.close_session()
    pipeline.open_session()
    one(pipeline, first(1))
    results.close()  # type: ignore[attr-defined]
    assert list(pipeline.context) == [1]


def test_whole_inputs_go_beside_live_ones(model: VoiceChat) -> None:
    pipeline = opened(model, batch_size=2)
    one(pipeline, first(2, 100))
    results = [output.stream_id for output in pipeline.run(MonoStream(noise(2), n) for n in (1, 2))]
    assert results == [1, 2]
    fresh = opened(model)
    one(fresh, first(2, 100))
    assert alike(one(pipeline, Frame(noise(2), 100)), one(fresh, Frame(noise(2), 100)))


def test_letters_held_back_come_at_the_end(model: VoiceChat) -> None:
    settings = S2SSettings(length=LENGTH, batch_size=20, decode_audio=False, defaults=WILD)
    streams = [MonoStream(noise(20)[: n * FRAME], n) for n in range(20)]
    outputs = list(StreamingS2SPipeline(model, settings).run(streams))
    halves = 0
    for output in outputs:
        stream = TextStream(model.tokenizer, model.ids)
        text, rest = "".join(map(stream.push, output.token_text)), stream.flush()
        assert output.text == text + rest
        halves += rest != ""
    assert halves


def test_silence_behind_an_input_gives_time_to_answer(model: VoiceChat) -> None:
    wav = padded(noise(5), Padding(pad_audio_by_sec=0.8))
    (output,) = StreamingS2SPipeline(model, S2SSettings(length=LENGTH)).run([MonoStream(wav, 1)])
    assert output.token_length == 16


def test_options_of_a_stream_go_before_the_defaults(model: VoiceChat) -> None:
    settings = S2SSettings(length=LENGTH, batch_size=3, defaults=replace(WILD, seed=1))
    pipeline = StreamingS2SPipeline(model, settings)
    streams = [
        MonoStream(noise(9), 0),
        MonoStream(noise(9), 1, options=S2SRequestOptions(seed=1)),
        MonoStream(noise(9), 2, options=S2SRequestOptions(seed=2)),
    ]
    default, same, other = pipeline.run(streams)
    assert alike(default, same)
    assert not alike(default, other)
