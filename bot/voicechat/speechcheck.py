"""Do the tensors of the speaking half agree with each other and with the config?

They are stored more than once, or follow from the config, so that a file put together from parts of
two models, or rewritten with the wrong ones, shows here and not as noise on the line. What tokens
are flagged as is checked where the flags are used (``subwords``).
"""

from __future__ import annotations

import torch

from bot.voicechat.checkpoint import Checkpoint
from bot.voicechat.errors import CheckpointError
from bot.voicechat.source import CONFIG
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import CODEC, CONTROL, SILENCE, TTS

BOOKS = f"{TTS}rvq_embs"


@torch.no_grad()
def check_speech(checkpoint: Checkpoint) -> None:
    """Raises ``CheckpointError`` naming the tensor; does nothing without a speaking half."""
    speech = checkpoint.config.speech
    if speech is None:
        return
    _check_books(checkpoint)
    _check_codes(checkpoint, speech)
    _check_voices(checkpoint, speech)


def _check_books(checkpoint: Checkpoint) -> None:
    """The talker has a copy of the codec's codebooks: it chooses codes by what they stand for."""
    copies = checkpoint.tensor(BOOKS, dtype=torch.float32)
    for index, copy in enumerate(copies.unbind()):
        name = f"{CODEC}prvq.mus_list.{index}"
        if not torch.equal(copy, checkpoint.tensor(name, dtype=torch.float32)):
            what = f"codebook {index} is not the codec's ({name})"
            raise _wrong(checkpoint, BOOKS, f"{what}: talker and codec are of different models")


def _check_codes(checkpoint: Checkpoint, speech: SpeechConfig) -> None:
    entries = speech.codec.entries
    control, wanted = checkpoint.tensor(CONTROL).tolist(), [entries + 2, entries + 1, entries]
    if control != wanted:
        what = f"{control}, where codebooks of {entries} entries want {wanted} (begin, end, none)"
        raise _wrong(checkpoint, CONTROL, what)
    silence = checkpoint.silence()
    if silence is not None and not all(0 <= code < entries for code in silence.tolist()):
        what = f"{silence.tolist()}, and a code is from 0 to {entries - 1}"
        raise _wrong(checkpoint, SILENCE, what)


def _check_voices(checkpoint: Checkpoint, speech: SpeechConfig) -> None:
    """Reading one is its check. The config's speaker is one of them, if any are registered."""
    latents = checkpoint.latents()
    for name in latents:
        latents[name]
    if latents and speech.speaker is not None and speech.speaker not in latents:
        file = checkpoint.folder.path / CONFIG
        what = f"{speech.speaker!r}, and the checkpoint's voices are {', '.join(latents)}"
        raise CheckpointError(where=f"{file}: model.inference_speaker_name", what=what)


def _wrong(checkpoint: Checkpoint, name: str, what: str) -> CheckpointError:
    return CheckpointError(where=checkpoint.stored[name].where, what=what)
