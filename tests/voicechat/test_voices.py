"""Voices: of the checkpoint's latents, of a recording, and what their prompt says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bot.voicechat.codecencoder import LAYERS, CodecEncoder
from bot.voicechat.errors import CheckpointError
from bot.voicechat.speechlayout import CODEC, SILENCE, VOICES
from bot.voicechat.voices import UnknownVoice, latent_of, prompt_wav, recorded, registered
from tests.voicechat.talking import LIMIT, talker_of, voice_of, words_of


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, atol=LIMIT, rtol=0)


def encoded(case: Any, wav: Tensor) -> Tensor:
    """Codes [frames, codebooks] of a prompt's sound."""
    with torch.device("meta"):
        encoder = CodecEncoder(case.config.speech.codec)
    layers = {name: one for name, one in case.section(CODEC).items() if name.startswith(LAYERS)}
    encoder.load(layers)
    books = talker_of(case).fusion.books
    return encoder.codes(prompt_wav(wav, case.config.speech)[None], books)[0]


def test_codes_of_a_prompt_golden(case: Any) -> None:
    """Case a's are of the speaker's sound, case b's of silence: its latent is stored."""
    want = case.golden("eartts")["init.code"][0].long()
    stored = bool(case.section(VOICES))
    wav = torch.zeros(1) if stored else case.golden("audio")["speaker_22k05"][0]
    codes = encoded(case, wav)
    assert len(codes) == len(want) + 1
    assert torch.equal(codes[1 : len(want) - 1], want[1:-1])
    if stored:
        assert torch.equal(codes[len(want) - 2], case.weights[SILENCE])


def test_a_latent_made_of_a_recording_golden(case: Any) -> None:
    stored = case.section(VOICES)
    if not stored:
        pytest.skip("no latent was stored")
    fusion = talker_of(case).fusion
    ((name, want),) = stored.items()
    made = latent_of(fusion, encoded(case, case.golden("audio")["speaker_22k05"][0]))
    assert made.shape == want.shape
    close(made, want)
    again = registered(fusion, {name: made}, name)
    close(again.audio, registered(fusion, stored, name).audio)


def test_a_recording_ends_with_its_own_sound_and_a_latent_with_silence(case: Any) -> None:
    fusion = talker_of(case).fusion
    codes = encoded(case, case.golden("audio")["speaker_22k05"][0])
    mine = recorded(fusion, codes, "me")
    stored = registered(fusion, {"me": latent_of(fusion, codes)}, "me")
    assert torch.equal(mine.audio[:-1], stored.audio[:-1])
    close(mine.audio[-1] - fusion.bos_emb, fusion.embed(codes[fusion.config.prompt_frames - 2]))
    close(stored.audio[-1] - fusion.bos_emb, fusion.embed(fusion.silence))


def test_text_of_a_prompt_golden(case: Any) -> None:
    golden, fusion, words = case.golden("eartts"), talker_of(case).fusion, words_of(case)
    ids, heard = golden["init.subword_ids"][0], golden["init.subword_mask"][0]
    want = torch.where(heard[:, None], words.read(ids), words.masked(ids))
    assert torch.equal(fusion.prompt, want)


def test_flags_are_in_what_is_masked(case: Any) -> None:
    """The recorded ones are zero where it would show, so these are not."""
    fusion, words = talker_of(case).fusion, words_of(case)
    flags = torch.arange(6.0)[:, None].expand_as(words.flags) + 1
    fusion.fold(replace(words, flags=flags), fusion.silence)
    assert torch.equal(fusion.prompt[:-2], flags[words.kinds[12]].expand_as(fusion.prompt[:-2]))
    assert torch.equal(fusion.prompt[-2:], words.rows[[12, 2]])


def test_a_prompt_repeats_a_short_recording_and_cuts_a_long_one(case: Any) -> None:
    config = case.config.speech
    frame, frames = config.codec.frame, config.prompt_frames
    short = prompt_wav(torch.arange(1.0, 1001.0), config)
    assert len(short) == (frames + 1) * frame
    assert not short[:frame].any()
    assert not short[-2 * frame :].any()
    sound = short[frame : -2 * frame]
    assert torch.equal(sound, torch.arange(len(sound)).remainder(1000).float() + 1)
    long = prompt_wav(torch.arange(1.0, 2.0 * len(short)), config)
    assert torch.equal(long[frame : -2 * frame], torch.arange(1.0, len(sound) + 1))
    with pytest.raises(ValueError, match="some sound"):
        prompt_wav(torch.zeros(0), config)


def test_unknown_voices_are_answered_with_the_known_ones(case: Any) -> None:
    fusion = talker_of(case).fusion
    size = (1, case.config.speech.prompt_frames, case.config.speech.backbone.hidden)
    latents = {name: torch.zeros(size) for name in ("Zoe", "Ben", "Aria")}
    with pytest.raises(UnknownVoice, match="no voice 'Arya'; there are Aria, Ben, Zoe") as caught:
        registered(fusion, latents, "Arya")
    assert caught.value.known == ("Aria", "Ben", "Zoe")
    near = UnknownVoice(name="zoë", known=latents)
    assert set(near.known) == set(latents)
    assert UnknownVoice(name="Zo", known=latents).known == ("Zoe", "Aria", "Ben")
    with pytest.raises(UnknownVoice, match="no voice 'Aria'; the checkpoint has none"):
        registered(fusion, {}, "Aria")


def test_a_voice_of_another_length_is_refused(case: Any) -> None:
    fusion, frames = talker_of(case).fusion, case.config.speech.prompt_frames
    latent = torch.zeros(1, frames + 1, case.config.speech.backbone.hidden)
    with pytest.raises(CheckpointError, match=f"latents.Ben: of shape .1, {frames + 1}, "):
        registered(fusion, {"Ben": latent}, "Ben")
    codes = torch.zeros(frames - 1, case.config.speech.codec.codebooks, dtype=torch.int64)
    for make in (latent_of, lambda *what: recorded(*what, "me")):
        with pytest.raises(ValueError, match=f"has {frames} frames, not {frames - 1}"):
            make(fusion, codes)


def test_codes_are_left_as_they_were(case: Any) -> None:
    fusion = talker_of(case).fusion
    codes = case.golden("eartts")["init.code"][0].long()
    before = codes.clone()
    latent_of(fusion, codes)
    assert torch.equal(codes, before)


def test_a_voice_may_be_of_another_type(case: Any) -> None:
    fusion = talker_of(case).fusion
    voice = voice_of(case, fusion)
    latents = {"me": voice.audio[None].double()}
    assert registered(fusion, latents, "me").audio.dtype == torch.float32
