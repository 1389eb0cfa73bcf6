"""The pipeline's contract, on the tiny checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.errors import NoFreeSlot
from bot.voicechat.build import load
from bot.voicechat.hybridcache import ContextFull
from bot.voicechat.mel import FRAME, frames_of
from bot.voicechat.model import VoiceChat
from bot.voicechat.options import OptionError
from bot.voicechat.pipeline import S2SSettings, SessionError, StreamingS2SPipeline
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.seating import FrameOut
from bot.voicechat.streams import Frame, MonoStream, StreamError
from bot.voicechat.text import decoded
from bot.voicechat.voices import UnknownVoice
from tests.voicechat.streaming import LENGTH, WILD, alike, first, noise, one, opened, words

PROMPT = S2SRequestOptions(system_prompt="help")


@pytest.fixture(scope="module")
def model(original: Path) -> VoiceChat:
    return load(original)


@pytest.fixture
def pipeline(model: VoiceChat) -> StreamingS2SPipeline:
    return opened(model, batch_size=2)


def test_an_empty_first_frame_is_the_prompt_alone(pipeline: StreamingS2SPipeline) -> None:
    output = one(pipeline, first(0, options=PROMPT))
    assert (output.text_tokens, output.text, output.audio.shape) == ((), "", (0,))
    assert output.audio.dtype == np.float32
    seats = pipeline.context.seats
    assert seats.used(pipeline.context.slot(1).row) == len(pipeline.model.prompt_ids("help"))
    warm = one(pipeline, Frame(noise(3), 1))
    assert alike(warm, one(pipeline, first(3, 2, PROMPT)))


def test_a_chunk_of_n_frames_is_answered_by_n(pipeline: StreamingS2SPipeline) -> None:
    for frames in (1, 2, 3):
        output = one(pipeline, Frame(noise(frames), 1, is_first=frames == 1))
        assert len(output.text_tokens) == len(output.asr_tokens) == len(output.pieces) == frames
        assert output.audio.shape == (frames * 1764,)
        assert float(np.abs(output.audio).max()) <= 1.0
    last = one(pipeline, Frame(noise(0.3), 1, is_last=True))
    assert len(last.text_tokens) == frames_of(round(6.3 * FRAME)) - 6


def test_an_empty_last_frame_gives_the_rest_and_the_slot(model: VoiceChat) -> None:
    pipeline = opened(model)
    one(pipeline, first(2))
    assert len(one(pipeline, Frame(noise(0), 1, is_last=True)).text_tokens) == 1
    assert 1 not in pipeline.context
    assert pipeline.context.free == 1
    assert len(one(pipeline, Frame(noise(2), 1, is_first=True, is_last=True)).text_tokens) == 3
    assert pipeline.context.free == 1


def test_streams_of_a_step_are_answered_in_their_order(pipeline: StreamingS2SPipeline) -> None:
    outputs = pipeline.generate_step([first(2, 9), first(3, 4, WILD)])
    assert [(o.stream_id, len(o.text_tokens)) for o in outputs] == [(9, 2), (4, 3)]
    later = pipeline.generate_step([Frame(noise(1), 4), Frame(noise(0.5), 9, is_last=True)])
    assert [(o.stream_id, len(o.text_tokens)) for o in later] == [(4, 1), (9, 2)]
    assert list(pipeline.context) == [4]
    assert pipeline.generate_step([]) == []


REFUSED = {
    "live already": first(1),
    "not live": Frame(noise(1), 7),
    r"1000 samples are no multiple of 1280 \(80 ms\)": Frame(noise(1000 / FRAME), 1),
    "neither first nor last": Frame(noise(0), 1),
    "its 40 frames are used up": Frame(noise(40), 1),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_changes_nobody(pipeline: StreamingS2SPipeline, why: str) -> None:
    one(pipeline, first(2))
    frame = REFUSED[why]
    with pytest.raises(StreamError, match=f"^stream {frame.stream_id}: .*{why}"):
        pipeline.generate_step([first(1, 2), frame])
    assert list(pipeline.context) == [1]
    fresh = opened(pipeline.model)
    one(fresh, first(2))
    assert alike(one(pipeline, Frame(noise(2), 1)), one(fresh, Frame(noise(2), 1)))


def test_two_frames_of_a_stream_are_two_steps(pipeline: StreamingS2SPipeline) -> None:
    with pytest.raises(StreamError, match="two frames in one step"):
        pipeline.generate_step([first(1), Frame(noise(1), 1)])
    assert not list(pipeline.context)


def test_after_the_last_frame_there_is_none(pipeline: StreamingS2SPipeline) -> None:
    one(pipeline, Frame(noise(1), 1, is_first=True, is_last=True))
    with pytest.raises(StreamError, match="not live: it has ended"):
        one(pipeline, Frame(noise(1), 1))


def test_no_slot_is_free_until_a_stream_is_gone(model: VoiceChat) -> None:
    pipeline = opened(model, batch_size=2)
    pipeline.generate_step([first(1, 1), first(1, 2)])
    with pytest.raises(NoFreeSlot, match="all 2 seats are taken"):
        pipeline.generate_step([first(1, 3)])
    with pytest.raises(NoFreeSlot):
        list(pipeline.run([MonoStream(noise(1), 5)]))
    pipeline.drop(1)
    pipeline.drop(1)
    assert alike(one(pipeline, first(1, 3)), one(opened(model), first(1, 3)))
    assert list(pipeline.context) == [2, 3]


def test_a_bad_wish_begins_no_stream(pipeline: StreamingS2SPipeline) -> None:
    long = S2SRequestOptions(system_prompt="x" * LENGTH)
    for options, error in [
        (S2SRequestOptions(voice="Nobody"), UnknownVoice),
        (long, ContextFull),
    ]:
        with pytest.raises(error):
            pipeline.generate_step([first(1, 1), first(1, 2, options)])
        assert pipeline.context.free == 2
    with pytest.raises(OptionError, match="batch_size"):
        S2SSettings(batch_size=0)


def test_text_is_the_same_without_sound(model: VoiceChat) -> None:
    settings = S2SSettings(length=LENGTH, defaults=WILD)
    each = (settings, replace(settings, decode_audio=False))
    pipelines = [StreamingS2SPipeline(model, one) for one in each]
    ((aloud,), (silent,)) = (one.run([MonoStream(noise(20), 1)]) for one in pipelines)
    assert aloud.text == silent.text != ""
    assert words(aloud) == words(silent)
    assert len(aloud.audio) == 21 * 1764
    assert silent.audio.shape == (0,)
    assert silent.text_with_timestamps == aloud.text_with_timestamps


def test_an_output_is_what_the_steps_were(model: VoiceChat) -> None:
    pipeline = opened(model)
    output = pipeline.new_output(1)
    steps = [one(pipeline, frame) for frame in MonoStream(noise(20), 1, 3 * FRAME, WILD)]
    for step in steps:
        output.append(step)
    assert output.audio.tolist() == np.concatenate([step.audio for step in steps]).tolist()
    assert output.token_length == 21
    assert output.text == "".join(step.text for step in steps)
    assert output.text == decoded(output.token_text, model.tokenizer, model.ids)
    assert output.raw_text.replace("<SPECIAL_12>", "") == output.text
    assert output.function_text == decoded(output.token_function, model.tokenizer, model.ids)
    assert len(output.raw_function_text) >= len(output.function_text)
    assert output.raw_asr_text == output.asr_text
    pads = output.token_text.count(model.ids.pad)
    assert len(output.timed_text) == 21 - pads
    assert [frame for frame, _ in output.timed_asr] == [
        frame for frame, pieces in enumerate(output.token_rnnt) for _ in pieces
    ]
    capable = output.capabilities
    assert (capable.has_asr_head, capable.has_function_head, capable.has_rnnt) == (
        False, True, True,
    )  # fmt: skip
    assert capable == pipeline.capabilities


def test_letters_held_back_come_with_the_last_frame(model: VoiceChat) -> None:
    """A letter of two bytes, the second of which never comes."""
    pipeline = opened(model)
    transcript = pipeline.new_output(1)
    token = model.tokenizer.token_to_id("Ã")
    assert token is not None
    half = FrameOut(text=token, function=12, asr=12, pieces=(), forced=0, pcm=None)
    one(pipeline, first(0))
    slot = pipeline.context.slot(1)
    transcript.append(slot.transcript.told(1, [half]))
    assert transcript.text == ""
    transcript.append(slot.transcript.told(1, [], last=True))
    assert transcript.text == "\N{REPLACEMENT CHARACTER}"


def test_a_session_is_opened_once(model: VoiceChat) -> None:
    pipeline = StreamingS2SPipeline(model, S2SSettings(length=LENGTH))
    with pytest.raises(SessionError, match=r"not open; call open_session\(\)"):
        pipeline.generate_step([first(1)])
    pipeline.open_session()
    with pytest.raises(SessionError, match="not closed"):
        pipeline.open_session()
    one(pipeline, first(1))
    pipeline.close_session()
    pipeline.close_session()
    pipeline.open_session()
    assert not list(pipeline.context)
