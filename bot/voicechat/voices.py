"""A voice: what the talker has heard of a speaker before its first frame.

A prompt of so many frames goes before a call. In it the speaker's sound stands where else the
codes of the frame before do; one frame before its end the sound is over, and the last position
says that speech begins (NeMo 3.0.0, ``DuplexEARTTS.get_init_inputs`` and ``RVQEARTTSModel``).
A checkpoint has *latents* of speakers under their names: the prompt's embedded codes through a
fixed matrix. Whoever has the codec's encoder can make one of a recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import torch
from torch import Tensor
from torch.nn import functional

from bot.errors import BotError
from bot.voicechat.errors import CheckpointError
from bot.voicechat.fusion import Fusion
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import VOICES

SILENT = 2
"""Frames of silence at the end of a recorded prompt."""


class UnknownVoice(BotError):
    """No speaker ``name``; ``known`` are those that there are, the nearest first."""

    def __init__(self, *, name: str, known: Iterable[str]) -> None:
        rest = sorted(known)
        near = get_close_matches(name, rest, n=len(rest) or 1, cutoff=0.5)
        self.name, self.known = name, (*near, *(one for one in rest if one not in near))
        there = f"there are {', '.join(self.known)}" if self.known else "the checkpoint has none"
        super().__init__(f"no voice {name!r}; {there}")


@dataclass(frozen=True, slots=True)
class Voice:
    """For ``Talker.prefill``: ``audio`` float32 [positions, width], the last one's BOS in it."""

    name: str
    audio: Tensor


@torch.no_grad()
def registered(fusion: Fusion, latents: Mapping[str, Tensor], name: str) -> Voice:
    """The speaker ``name`` of ``latents`` ([1, positions, width], by name).

    The last position of a latent is not read: there the codes before are those of silence. Raises
    ``UnknownVoice``, and ``CheckpointError`` for a latent of another shape than a prompt's.
    """
    if name not in latents:
        raise UnknownVoice(name=name, known=latents)
    latent = latents[name].to(fusion.bos_emb)
    wanted = [1, fusion.config.prompt_frames, fusion.config.backbone.hidden]
    if [*latent.shape] != wanted:
        what = f"of shape {[*latent.shape]}, where the configuration wants {wanted}"
        raise CheckpointError(where=VOICES + name, what=what)
    return Voice(name=name, audio=_with_bos(fusion, latent[0], fusion.embed(fusion.silence)))


@torch.no_grad()
def recorded(fusion: Fusion, codes: Tensor, name: str) -> Voice:
    """A speaker of whom there is sound: ``codes`` as ``latent_of`` takes them."""
    embedded = _embedded(fusion, codes)
    return Voice(name=name, audio=_with_bos(fusion, _projected(fusion, embedded), embedded[-1]))


@torch.no_grad()
def latent_of(fusion: Fusion, codes: Tensor) -> Tensor:
    """What a checkpoint keeps of a speaker, float32 [1, positions, width], for ``registered``.

    ``codes`` int64 [frames, codebooks] are the codec's of ``prompt_wav``; those past the prompt's
    length are not looked at. Raises ``ValueError`` if there are fewer.
    """
    return _projected(fusion, _embedded(fusion, codes))[None]


def prompt_wav(wav: Tensor, config: SpeechConfig) -> Tensor:
    """The sound to encode: ``wav`` [samples] at 22.05 kHz, again and again until it is long enough.

    Returns [(positions + 1) × 1764]: a frame of silence, the sound, two frames of silence.
    Raises ``ValueError`` if there is no sound.
    """
    if not len(wav):
        raise ValueError("a voice needs some sound, not none")
    frame, size = config.codec.frame, config.prompt_frames * config.codec.frame
    sound = wav.repeat(-(-size // len(wav)))[: size - SILENT * frame]
    return functional.pad(sound, (frame, SILENT * frame))


def _embedded(fusion: Fusion, codes: Tensor) -> Tensor:
    """Float32 [positions, width]: each position has the frame before it.

    The first frame counts as none. What is before it is not *none*, but entry 0 of every codebook;
    so NeMo shifts, and so the model was trained.
    """
    positions = fusion.config.prompt_frames
    if len(codes) < positions:
        raise ValueError(f"a voice's prompt has {positions} frames, not {len(codes)}")
    before = functional.pad(codes[: positions - 1], (0, 0, 1, 0))
    before[1] = fusion.books.entries
    return fusion.embed(before)


def _projected(fusion: Fusion, embedded: Tensor) -> Tensor:
    matrix = fusion.audio_prompt_projection_W
    return embedded if matrix is None else embedded @ matrix


def _with_bos(fusion: Fusion, audio: Tensor, last: Tensor) -> Tensor:
    """Before the last position the speaker's; there ``last`` [width] and the beginning's vector."""
    return torch.cat([audio[:-1], (last + fusion.bos_emb)[None]])
