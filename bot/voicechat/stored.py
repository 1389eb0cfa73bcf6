"""The tensors in a checkpoint's files, by headers alone: where each is, its shape and dtype."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from bot.voicechat.errors import CheckpointError
from bot.voicechat.layout import Shape

OLDER_NAMES = (
    ("stt_model.llm.backbone.", "stt_model.llm."),
    # The index counts a dropout layer that a network without dropout does not have.
    ("stt_model.rnnt_joint.joint_net.1.", "stt_model.rnnt_joint.joint_net.2."),
)


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

    def mapped(self) -> Tensor:
        """In the memory that the file is mapped to. Raises ``CheckpointError``."""
        try:
            tensor: Tensor = self.handle.get_tensor(self.name)
        except SafetensorError as error:
            raise CheckpointError(where=self.where, what=f"cannot be read: {error}") from error
        return tensor


def read_headers(files: tuple[Path, ...]) -> dict[str, Stored]:
    """All of them under today's names. Raises ``CheckpointError`` naming the file, or the tensor
    that is there twice."""
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
