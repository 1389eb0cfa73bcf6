"""Every setting runs, and says what a run without any memory of the mind says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bot.voicechat.build import build
from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.hybridcache import ThinkerState
from bot.voicechat.model import VoiceChat
from bot.voicechat.pipeline import S2SSettings, StreamingS2SPipeline
from bot.voicechat.s2soptions import S2SRequestOptions
from bot.voicechat.streams import MonoStream
from bot.voicechat.thinker import Thinker
from bot.voicechat.turnpolicy import PRESETS, Rule, TurnPolicy
from bot.voicechat.voices import latent_of
from tests.voicechat.streaming import LENGTH, WILD, alike, noise


class Recomputed:
    """A thinker's step without a memory: all of the past again in every frame, of one stream."""

    def __init__(self, thinker: Thinker, prompt: tuple[int, ...]) -> None:
        self._thinker = thinker
        self._past = [*thinker.prompt_embedding(prompt)] if prompt else []

    @torch.no_grad()
    def __call__(self, state: ThinkerState, embeds: Tensor, mask: Tensor) -> Tensor:
        assert mask.tolist() == [True]
        self._past.append(embeds[0])
        state.position.add_(1)
        past = torch.stack(self._past)[None]
        whole = self._thinker.llm(inputs_embeds=past, use_cache=False).last_hidden_state
        return torch.as_tensor(whole[:, -1])


@pytest.fixture(scope="module", params=["function head", "ASR head"])
def folder(request: pytest.FixtureRequest, original: Path, tmp_path_factory: Any) -> Path:
    """A checkpoint with the one or the other; the latter is a golden case."""
    if request.param == "function head":
        return original
    case = request.config.getoption("--golden") / "case_a"
    return Path(shutil.copytree(case, tmp_path_factory.mktemp("asr") / "case"))


def speaking(folder: Path, guidance: float) -> VoiceChat:
    """With a voice of noise where the checkpoint has none."""
    checkpoint = open_checkpoint(folder)
    assert checkpoint.config.speech is not None
    config = replace(checkpoint.config.speech, guidance=guidance)
    model = build(checkpoint, speech=config)
    assert model.speech is not None
    if model.speech.latents:
        return model
    generator = torch.Generator().manual_seed(0)
    shape = (config.prompt_frames, config.codec.codebooks)
    codes = torch.randint(config.codec.entries, shape, generator=generator)
    latents = {"noise": latent_of(model.speech.talker.fusion, codes)}
    return replace(model, speech=replace(model.speech, latents=latents))


TURNS = [*PRESETS.values(), TurnPolicy(rule=Rule.ASR_HEAD, pad_window=3, cooldown=2)]
WISHES = [
    replace(sampling, turn_taking=turns, system_prompt="I can help")
    for sampling in (S2SRequestOptions(), WILD)
    for turns in TURNS
]


@pytest.mark.parametrize("guidance", [None, 0.0, 0.2], ids=["text alone", "no guidance", "guided"])
def test_every_setting_runs_and_says_what_it_says_recomputed(
    folder: Path, guidance: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = speaking(folder, guidance or 0.0)
    settings = S2SSettings(length=LENGTH, batch_size=len(WISHES), decode_audio=guidance is not None)
    streams = [MonoStream(noise(8, n), n, options=wish) for n, wish in enumerate(WISHES)]
    together = {o.stream_id: o for o in StreamingS2SPipeline(model, settings).run(streams)}
    alone = StreamingS2SPipeline(model, replace(settings, batch_size=1))
    for n, stream in enumerate(streams):
        again = Recomputed(model.llm.thinker, model.prompt_ids("I can help"))
        with monkeypatch.context() as patch:
            patch.setattr(model.llm.thinker, "step", again)
            (output,) = alone.run([stream])
        assert output.error is None
        assert output.token_asr == together[n].token_asr
        assert alike(output, together[n])
        assert output.token_length == 9
        assert len(output.audio) == (0 if guidance is None else 9 * 1764)
        assert np.isfinite(output.audio).all()
    assert len({tuple(o.token_text) for o in together.values()}) > 2
