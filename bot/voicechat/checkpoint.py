"""A checkpoint: what is in it, whether that is all of it and sound, and its tensors one by one.

Nothing is read twice and nothing waits in memory: a tensor goes from the mapped file straight to
its device and dtype. ``open_checkpoint`` looks at names, shapes and the tokenizer; the values are
looked at when they are read.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import NemotronHConfig

from bot.voicechat.accounting import account, check_tensor, halves
from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.layout import STT, TALKER
from bot.voicechat.source import ARTIFACTS, CONFIG, INDEX, LLM_FILES, Folder, Tell, find, read_json
from bot.voicechat.speechlayout import CODEC, SILENCE, TTS, VOICES
from bot.voicechat.stored import Stored, read_headers
from bot.voicechat.tokenizer import load_tokenizer

EXACT = ("A_log", "D", "dt_bias")
"""Of a Mamba mixer: what decays by exp(-exp(A_log) * dt) at each of thousands of frames."""
CODEC_PARTS = ("prvq.mus_list.", "encoder.", "decoder.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Accounted for. ``stored`` has all tensors, under today's names."""

    folder: Folder
    llm: Any
    """The language model's ``NemotronHConfig``."""
    tokenizer: Tokenizer
    stored: Mapping[str, Stored]

    @property
    def config(self) -> VoiceChatConfig:
        """What ``config.json`` says."""
        return self.folder.config

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of the registered speakers, in the order of the file."""
        return tuple(self.latents())

    def tensor(
        self, name: str, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
    ) -> Tensor:
        """A copy on ``device``; ``dtype`` (the file's, if None) is for floats, integers stay.

        Raises ``CheckpointError`` for NaN, infinity, and a weight that is zero throughout.
        """
        stored = self.stored[name]
        mapped = stored.mapped()
        wanted = dtype if dtype is not None and mapped.is_floating_point() else mapped.dtype
        # Into memory of its own: the mapping ends with the file, the tensor does not.
        tensor = torch.empty(mapped.shape, dtype=wanted, device=device).copy_(mapped)
        check_tensor(tensor, stored)
        return tensor

    def section(
        self,
        prefix: str,
        *parts: str,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Section:
        """The tensors whose names begin with ``prefix`` and go on with one of ``parts``, if any."""
        names = {
            name.removeprefix(prefix): name
            for name in self.stored
            if name.startswith(prefix) and name.removeprefix(prefix).startswith(parts or ("",))
        }
        return Section(self, names, device, dtype)

    def perception(self, *, device: torch.device | str = "cpu") -> Section:
        """``preprocessor.*``, ``encoder.*``, ``proj.*``; fp32."""
        return self.section(f"{STT}perception.", device=device)

    def thinker(
        self, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Section:
        """``llm.*`` and the tables ``embed_tokens.weight``, ``lm_head.weight``, …"""
        parts = ("llm.", "embed_", "lm_head.", "asr_head.", "function_head.")
        return self.section(STT, *parts, device=device, dtype=dtype)

    def rnnt(self, *, device: torch.device | str = "cpu") -> Section:
        """``rnnt_decoder.*`` and ``rnnt_joint.*``; fp32. Empty if the checkpoint has none."""
        return self.section(STT, "rnnt_", device=device)

    def talker(self, *, device: torch.device | str = "cpu") -> Section:
        """What is under ``tts_model.tts_model.``; fp32, and four tensors of integers.

        Empty if the checkpoint has no speaking half, and so are the next two.
        """
        return self.section(TTS, device=device)

    def codec(self, *parts: str, device: torch.device | str = "cpu") -> Section:
        """Of ``tts_model.audio_codec.``: codebooks, ``encoder.*``, ``decoder.*``; fp32.

        ``parts``, if any, are how the names of the wanted ones begin. The variances that training
        left beside the codebooks are none of them.
        """
        return self.section(CODEC, *(parts or CODEC_PARTS), device=device)

    def latents(self, *, device: torch.device | str = "cpu") -> Section:
        """The registered speakers' prompts by their names, each ``[1, frames, width]``; fp32."""
        return self.section(VOICES, device=device)

    def silence(self, *, device: torch.device | str = "cpu") -> Tensor | None:
        """Codes of a silent frame, ``[codebooks]`` of integers; None if they are not stored."""
        return self.tensor(SILENCE, device=device) if SILENCE in self.stored else None

    def check_values(self, *, device: torch.device | str = "cpu", tell: Tell | None = None) -> int:
        """Read every tensor of the model once and keep none; how many there are.

        ``tell`` hears after each what share of the values has been read. Without a speaking half
        in the config, ``tts_model.*`` is left alone.
        """
        model = halves(self.config)
        values = {n: math.prod(one.shape) for n, one in self.stored.items() if n.startswith(model)}
        total, done = sum(values.values()), 0
        for name, more in values.items():
            self.tensor(name, device=device)
            done += more
            if tell is not None:
                tell(done / total)
        return len(values)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a folder that loads again and needs nothing beside it.

        Files are copied, so it takes no memory and every tensor stays what it was, bit for bit.
        """
        target = empty_folder(folder)
        files = [self.folder.path / CONFIG, *self.folder.weights]
        files += [one for one in [self.folder.path / INDEX] if len(self.folder.weights) > 1]
        for file in files:
            shutil.copyfile(file, target / file.name)
        (target / ARTIFACTS).mkdir()
        for file in (self.folder.llm / name for name in LLM_FILES):
            if file.is_file():
                shutil.copyfile(file, target / ARTIFACTS / file.name)


class Section(Mapping[str, Tensor]):
    """Tensors read when they are asked for, anew each time: take each once.

    dtypes: perception, RNN-T, all of the speaking half and a mixer's ``A_log``, ``D`` and
    ``dt_bias`` are fp32, all else is ``dtype``; integers stay what they are. NeMo has the same rule
    but for the mixer's three.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        names: Mapping[str, str],
        device: torch.device | str,
        dtype: torch.dtype,
    ) -> None:
        self._checkpoint, self._names = checkpoint, names
        self._device, self._dtype = device, dtype

    def __getitem__(self, name: str) -> Tensor:
        """``name`` without the section's prefix."""
        full = self._names[name]
        dtype = precision_of(full, self._dtype)
        return self._checkpoint.tensor(full, device=self._device, dtype=dtype)

    def __iter__(self) -> Iterator[str]:
        """Names, in the order of the file; no tensor is read."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many names."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Without reading it, as the mapping's own would."""
        return name in self._names


def open_checkpoint(source: str | Path, revision: str | None = None) -> Checkpoint:
    """Of a local folder or a hub id (see ``source.find``). Raises ``CheckpointError``."""
    folder = find(source, revision)
    llm = _llm_config(folder.llm)
    tokenizer = load_tokenizer(folder.llm, folder.config.thinker, vocabulary=llm.vocab_size)
    found = read_headers(folder.weights)
    account(folder, found, llm)
    return Checkpoint(folder, llm, tokenizer, found)


def precision_of(name: str, dtype: torch.dtype) -> torch.dtype:
    """The dtype of a tensor where the language model is to be ``dtype``."""
    exact = name.startswith((f"{STT}perception.", f"{STT}rnnt_", TALKER))
    return torch.float32 if exact or name.rpartition(".")[2] in EXACT else dtype


def empty_folder(folder: str | Path) -> Path:
    """Made if it is not there. Raises ``CheckpointError`` if something is in it."""
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise CheckpointError(where=str(path), what="not a folder")
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise CheckpointError(where=str(path), what="not empty", remedy="name a new folder")
    return path


def _llm_config(folder: Path) -> Any:
    kind = read_json(folder / CONFIG).get("model_type")
    if kind != "nemotron_h":
        what = f"{kind!r} is not supported, only 'nemotron_h'"
        raise CheckpointError(where=f"{folder / CONFIG}: model_type", what=what)
    try:
        return NemotronHConfig.from_pretrained(folder)
    except Exception as error:  # the class checks itself, with errors of several libraries
        raise CheckpointError(
            where=str(folder / CONFIG), what=" ".join(str(error).split())
        ) from error
