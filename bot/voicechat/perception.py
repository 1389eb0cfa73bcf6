"""Ears: sound to one row per 80 ms, of the encoder and of the language model's width.

Whole recordings and streams give the same rows; see ``mel`` for which samples a frame needs. All of
it runs in float32 whatever the language model runs in, as NeMo has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.encoder import Encoder, EncoderState
from bot.voicechat.errors import CheckpointError
from bot.voicechat.filling import fill
from bot.voicechat.mel import LogMel, MelState

PREFIX = "stt_model.perception."
"""Of its tensors in a checkpoint."""

NAMES = (  # here, in a checkpoint
    ("mel.", "preprocessor.featurizer."),
    ("encoder.subsampling.conv_in.", "encoder.pre_encode.conv.0."),
    ("encoder.subsampling.layers.0.depthwise_conv.", "encoder.pre_encode.conv.2."),
    ("encoder.subsampling.layers.0.pointwise_conv.", "encoder.pre_encode.conv.3."),
    ("encoder.subsampling.layers.1.depthwise_conv.", "encoder.pre_encode.conv.5."),
    ("encoder.subsampling.layers.1.pointwise_conv.", "encoder.pre_encode.conv.6."),
    ("encoder.subsampling.linear.", "encoder.pre_encode.out."),
    (".self_attn.q_proj.", ".self_attn.linear_q."),
    (".self_attn.k_proj.", ".self_attn.linear_k."),
    (".self_attn.v_proj.", ".self_attn.linear_v."),
    (".self_attn.o_proj.", ".self_attn.linear_out."),
    (".self_attn.relative_k_proj.", ".self_attn.linear_pos."),
    (".self_attn.bias_", ".self_attn.pos_bias_"),
    (".conv.norm.", ".conv.batch_norm."),  # so called even where it is a layer norm
)

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")
EPSILON = 1e-5  # of torch's batch norm, which NeMo leaves as it is


@dataclass(frozen=True, slots=True)
class PerceptionState:
    """Of mel and encoder."""

    mel: MelState
    encoder: EncoderState


class Perception(nn.Module):
    """Log-mel, FastConformer and projection. Has no weights of use before ``load``."""

    def __init__(self, config: VoiceChatConfig) -> None:
        super().__init__()
        self.mel = LogMel(config.mel)
        self.encoder = Encoder(config.encoder)
        self.proj = nn.Linear(config.encoder.width, config.thinker.hidden)
        self.eval().requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take the tensors of a checkpoint as float32, those that are without a copy.

        ``weights`` by their names after ``PREFIX``, all on one device. Raises ``CheckpointError``
        naming a tensor that is missing, not known here, or of another shape.
        """
        floats = {name: tensor.float() for name, tensor in weights.items()}
        if self.encoder.config.batch_norm:
            for layer in range(self.encoder.config.layers):
                _fold(floats, f"encoder.layers.{layer}.conv.batch_norm.", self.proj.in_features)
        fill(self, floats, rename=_checkpoint_name, prefix=PREFIX)
        self.encoder.prepare()

    @torch.no_grad()
    def whole(self, wav: Tensor, lengths: Tensor, lookahead: int = 0) -> tuple[Tensor, Tensor]:
        """Whole recordings.

        Args:
            wav: float32 ``[batch, samples]`` in [-1, 1] at 16 kHz.
            lengths: int64 ``[batch]``, samples of each that are sound.
            lookahead: rows a row may see of what follows it, at most; one of the config's.

        Returns:
            float32 ``[batch, T, width]`` and int64 ``[batch]``, the valid rows. What lies past them
            is as NeMo has it, which takes it for frames where there is no prompt.
        """
        return self.encoder.whole(*self.mel.whole(wav, lengths), lookahead)

    @torch.no_grad()
    def project(self, encoded: Tensor) -> Tensor:
        """``[…, width]`` of the encoder to ``[…, hidden]`` of the language model."""
        return self.proj(encoded)

    def new_state(self, rows: int) -> PerceptionState:
        """Rows before their call, on the device of the weights."""
        return PerceptionState(mel=self.mel.new_state(rows), encoder=self.encoder.new_state(rows))

    @torch.no_grad()
    def step(
        self, state: PerceptionState, pcm: Tensor, mask: Tensor, samples: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The next frame of each row.

        Args:
            state: advanced in the rows of ``mask``; of all others not a bit changes.
            pcm: float32 ``[rows, 1280]``, the packet of the frame (see ``mel``).
            mask: bool ``[rows]``.
            samples: int64 ``[rows]``, how many of the 1280 came before the input's end; all, if
                not given. An input's last frames are flushed so: see ``mel.packets``.

        Returns:
            float32 ``[rows, width]`` for the RNN-T and ``[rows, hidden]`` for the language model;
            of no meaning where the mask is false.
        """
        columns, valid = self.mel.step(state.mel, pcm, mask, samples)
        encoded = self.encoder.step(state.encoder, columns, valid, mask)
        return encoded, self.proj(encoded)


def _checkpoint_name(name: str) -> str:
    for here, there in NAMES:
        name = name.replace(here, there)
    return name


def _fold(weights: dict[str, Tensor], norm: str, width: int) -> None:
    """Put scale and shift in the place of a frozen batch norm, whose names begin with ``norm``."""
    found: list[Tensor] = []
    for part in BATCH_NORM:
        if norm + part not in weights:
            raise CheckpointError(where=PREFIX + norm + part, what="missing")
        found.append(weights.pop(norm + part))
        if found[-1].shape != (width,):
            what = f"of shape {list(found[-1].shape)}, where the configuration wants [{width}]"
            raise CheckpointError(where=PREFIX + norm + part, what=what)
    weights.pop(norm + "num_batches_tracked", None)
    weight, bias, mean, variance = found
    scale = weight / (variance + EPSILON).sqrt()
    weights |= {norm + "scale": scale, norm + "shift": bias - mean * scale}
