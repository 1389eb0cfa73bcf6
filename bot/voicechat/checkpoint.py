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
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from torch import Tensor
from transformers import NemotronHConfig

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.layout import INTEGERS, STT, TALKER, Shape, layout
from bot.voicechat.source import ARTIFACTS, CONFIG, INDEX, LLM_FILES, Folder, Tell, find, read_json
from bot.voicechat.tokenizer import load_tokenizer

OLDER_NAMES = (
    ("stt_model.llm.backbone.", "stt_model.llm."),
    # The index counts a dropout layer that a network without dropout does not have.
    ("stt_model.rnnt_joint.joint_net.1.", "stt_model.rnnt_joint.joint_net.2."),
)
EXACT = ("A_log", "D", "dt_bias")
"""Of a Mamba mixer: what decays by exp(-exp(A_log) * dt) at each of thousands of frames."""
FLOATS = {"F32", "F16", "BF16", "F64"}


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor is. ``name`` is the file's own, ``kind`` the file's name of its dtype."""

    file: Path
    handle: Any
    name: str
    shape: Shape
    kind: str

    @property
    def where(self) -> str:
        """For errors."""
        return f"{self.file}: {self.name}"


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
    def talker(self) -> int:
        """How many tensors there are of the speaking half, which this half leaves alone."""
        return sum(name.startswith(TALKER) for name in self.stored)

    def tensor(
        self, name: str, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
    ) -> Tensor:
        """A copy on ``device``; ``dtype`` (the file's, if None) is for floats, integers stay.

        Raises ``CheckpointError`` for NaN, infinity, and a weight that is zero throughout.
        """
        stored = self.stored[name]
        try:
            mapped = stored.handle.get_tensor(stored.name)
        except SafetensorError as error:
            raise CheckpointError(where=stored.where, what=f"cannot be read: {error}") from error
        wanted = dtype if dtype is not None and mapped.is_floating_point() else mapped.dtype
        # Into memory of its own: the mapping ends with the file, the tensor does not.
        tensor = torch.empty(mapped.shape, dtype=wanted, device=device).copy_(mapped)
        _check_values(tensor, stored)
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

    def check_values(self, *, device: torch.device | str = "cpu", tell: Tell | None = None) -> int:
        """Read every tensor of the listening half once and keep none; how many there are.

        ``tell`` hears after each what share of the half's values has been read.
        """
        values = {n: math.prod(one.shape) for n, one in self.stored.items() if n.startswith(STT)}
        total, done = sum(values.values()), 0
        for name, more in values.items():
            self.tensor(name, device=device)
            done += more
            if tell is not None:
                tell(done / total)
        return len(values)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a folder that loads again and needs nothing beside it, the talker's part included.

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

    dtypes: perception, RNN-T and a mixer's ``A_log``, ``D`` and ``dt_bias`` are fp32, all else is
    ``dtype``; integers stay what they are. NeMo has the same rule but for the mixer's three.
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
    stored = _stored(folder.weights)
    _account(folder, stored, layout(folder.config, llm))
    return Checkpoint(folder, llm, tokenizer, stored)


def precision_of(name: str, dtype: torch.dtype) -> torch.dtype:
    """The dtype of a tensor where the language model is to be ``dtype``."""
    exact = name.startswith((f"{STT}perception.", f"{STT}rnnt_"))
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


def _stored(files: tuple[Path, ...]) -> dict[str, Stored]:
    """Headers only."""
    found: dict[str, Stored] = {}
    for file in files:
        try:
            handle: Any = safe_open(str(file), framework="pt", device="cpu")
        except (SafetensorError, OSError) as error:
            what = f"cut short or damaged ({error})"
            raise CheckpointError(where=str(file), what=what, remedy="fetch it anew") from error
        for name in handle.keys():  # noqa: SIM118 - the handle is no dict
            slot = handle.get_slice(name)
            one = Stored(file, handle, name, tuple(slot.get_shape()), str(slot.get_dtype()))
            today = _today(name)
            if today in found:
                raise CheckpointError(where=one.where, what=f"twice, also {found[today].where}")
            found[today] = one
    return found


def _today(name: str) -> str:
    for older, today in OLDER_NAMES:
        if name.startswith(older):
            return today + name.removeprefix(older)
    return name


def _account(folder: Folder, stored: Mapping[str, Stored], wanted: Mapping[str, Shape]) -> None:
    """Every tensor that must be there is, in its shape, and no other of the listening half."""
    missing = [name for name in wanted if name not in stored]
    if missing:
        where = str(folder.weights[0] if len(folder.weights) == 1 else folder.path / INDEX)
        raise CheckpointError(where=f"{where}: {missing[0]}", what=f"missing{_more(missing)}")
    over = [name for name in stored if name.startswith(STT) and name not in wanted]
    if over:
        what = f"no such tensor in a model of this {CONFIG}{_more(over)}"
        raise CheckpointError(where=stored[over[0]].where, what=what)
    for name, shape in wanted.items():
        one = stored[name]
        if one.shape != shape:
            what = f"of shape {list(one.shape)}, where {CONFIG} wants {list(shape)}"
            raise CheckpointError(where=one.where, what=what)
        if name.endswith(INTEGERS) == (one.kind in FLOATS):
            raise CheckpointError(where=one.where, what=f"of dtype {one.kind}")


def _more(names: list[str]) -> str:
    return f", and {len(names) - 1} more" if len(names) > 1 else ""


def _check_values(tensor: Tensor, stored: Stored) -> None:
    """One pass without temporaries: the extremes are NaN if anything is."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    least, most = (float(extreme) for extreme in torch.aminmax(tensor))
    if not (abs(least) < float("inf") and abs(most) < float("inf")):
        raise CheckpointError(
            where=stored.where, what="has NaN or infinity", remedy="fetch it anew"
        )
    if least == most == 0 and stored.name.endswith((".weight", ".fb", ".window")):
        what = "zero throughout, as a damaged download is"
        raise CheckpointError(where=stored.where, what=what, remedy="fetch it anew")
