"""The caller's words: a small RNN transducer beside the thinker, greedy, batched by rows.

It reads the encoder's rows before their projection. Per frame it says symbols until it says the
blank, ten at the most; only a symbol moves its state (Graves 2012, arXiv:1211.3711; the limit is
that of NeMo's greedy decoding and of ``max_symbols_per_step`` in transformers). Always float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bot.voicechat.config import RnntConfig
from bot.voicechat.filling import fill
from bot.voicechat.layout import STT
from bot.voicechat.rows import keep_

SYMBOLS_PER_FRAME = 10

PARTS = {
    "embed": "rnnt_decoder.prediction.embed",
    "encoder": "rnnt_joint.enc",
    "predictor": "rnnt_joint.pred",
    "head": "rnnt_joint.joint_net.2",
}
"""Modules here, and as NeMo's ``RNNTDecoder`` and ``RNNTJoint`` name them."""

LSTM = "rnnt_decoder.prediction.dec_rnn.lstm"
WITHOUT_DROPOUT = "rnnt_joint.joint_net.1."
"""NeMo counts the dropout between activation and output layer, where there is one."""


@dataclass(frozen=True, slots=True)
class RnntState:
    """What a row has said so far, all float32 but ``last``."""

    hidden: Tensor  # [rows, layers, hidden], of the prediction network after ``last``
    cell: Tensor  # [rows, layers, hidden]
    prediction: Tensor  # [rows, joint], what the joint network hears of it
    last: Tensor  # int64 [rows], the last symbol; the blank if there was none


class Symbols(NamedTuple):
    """What was said in a frame."""

    ids: Tensor  # int64 [rows, 10], the blank after the last symbol
    count: Tensor  # int64 [rows], of the symbols


class Rnnt(nn.Module):
    """Prediction network (an LSTM) and joint network over encoder rows of ``width``.

    Has no weights of use before ``load``.
    """

    def __init__(self, config: RnntConfig, *, width: int) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.blank + 1, config.hidden)
        # Cells rather than nn.LSTM: one symbol at a time, rows first, and no cuDNN workspace
        # that a captured graph would have to keep.
        self.cells = nn.ModuleList(
            nn.LSTMCell(config.hidden, config.hidden) for _ in range(config.layers)
        )
        self.encoder = nn.Linear(width, config.joint)
        self.predictor = nn.Linear(config.hidden, config.joint)
        self.head = nn.Linear(config.joint, config.blank + 1)
        self.requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take ``rnnt_decoder.*`` and ``rnnt_joint.*`` where they lie, as float32.

        Raises ``CheckpointError`` naming a tensor that is missing, unexpected or of another shape.
        """
        named = {
            name.replace(WITHOUT_DROPOUT, PARTS["head"] + "."): tensor.float()
            for name, tensor in weights.items()
        }
        fill(self, named, rename=_original, prefix=STT)

    @torch.no_grad()
    def new_state(self, rows: int) -> RnntState:
        """Fresh rows: the prediction network has heard one blank, and nothing else, from zero."""
        blank = self.embed.weight.new_full((rows,), self.config.blank, dtype=torch.int64)
        zero = self.embed.weight.new_zeros(rows, self.config.layers, self.config.hidden)
        hidden, cell, prediction = self._predict(blank, zero, zero)
        return RnntState(hidden=hidden, cell=cell, prediction=prediction, last=blank)

    @torch.no_grad()
    def step(self, state: RnntState, encoded: Tensor, mask: Tensor) -> Symbols:
        """One frame of the rows in ``mask`` (bool ``[rows]``).

        ``encoded`` is ``[rows, width]``, before the projection. Rows not in the mask say nothing.
        All ten rounds are always run: whether every row has met its blank is known on the device
        only, and asking would make the host wait.
        """
        heard = self.encoder(encoded.to(self.encoder.weight.dtype))
        blank = self.config.blank
        ids = torch.full(
            (len(mask), SYMBOLS_PER_FRAME), blank, dtype=torch.int64, device=heard.device
        )
        speaking = mask
        for turn in range(SYMBOLS_PER_FRAME):
            symbol = self.head(torch.relu(heard + state.prediction)).argmax(-1)
            speaking = speaking & (symbol != blank)
            ids[:, turn] = torch.where(speaking, symbol, blank)
            hidden, cell, prediction = self._predict(symbol, state.hidden, state.cell)
            keep_(state.hidden, hidden, speaking)
            keep_(state.cell, cell, speaking)
            keep_(state.prediction, prediction, speaking)
            keep_(state.last, symbol, speaking)
        return Symbols(ids=ids, count=(ids != blank).sum(-1))

    def _predict(self, symbol: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, ...]:
        """Hear one symbol: the next ``hidden``, ``cell`` and prediction."""
        value = self.embed(symbol)
        hiddens, cells = [], []
        for layer, one in enumerate(self.cells):
            value, kept = one(value, (hidden[:, layer], cell[:, layer]))
            hiddens.append(value)
            cells.append(kept)
        return torch.stack(hiddens, 1), torch.stack(cells, 1), self.predictor(value)


def _original(own: str) -> str:
    """A name of ours as the checkpoint has it: ``cells.1.bias_hh`` is ``….lstm.bias_hh_l1``."""
    part, _, rest = own.partition(".")
    if part == "cells":
        layer, _, which = rest.partition(".")
        return f"{LSTM}.{which}_l{layer}"
    return f"{PARTS[part]}.{rest}"
