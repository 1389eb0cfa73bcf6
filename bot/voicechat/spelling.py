"""A token read letter by letter: the character-aware subword encoder of the talker's text side.

A bidirectional T5Gemma encoder over the letters of one token's string, and the mean of its rows
(NeMo 3.0.0, ``RVQEARTTSModel``). Its layers are those of Gemma 2 (arXiv:2408.00118): a norm before
and behind each half, attention scores capped by a tanh, rotary positions (RoPE, arXiv:2104.09864).

Not transformers' modules, though the tests compare the two: their rotary table is not in a
checkpoint and has no values after a load from the meta device, and their masks and sizes come from
configurations that change with its versions. What is left is one attention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bot.voicechat.filling import fill
from bot.voicechat.gemma import GatedMlp, Norm
from bot.voicechat.speechconfig import SpellingConfig
from bot.voicechat.speechlayout import LETTERS, TTS

PREFIX = f"{TTS}embed_subword."
"""What the names of these tensors begin with in a checkpoint."""

PADDING = LETTERS
"""Behind the last letter of a token that is shorter than its batch."""


class SpellingEncoder(nn.Module):
    """Letters in, one row for each token out; with the flags of ``vocabulary`` tokens.

    Has no weights of use before ``load``. It runs once for each token there is (``subwords.bake``).
    """

    def __init__(self, config: SpellingConfig, *, vocabulary: int) -> None:
        super().__init__()
        self.config, self.vocabulary = config, vocabulary
        self.embed_tokens = nn.Embedding(LETTERS + 1, config.hidden)
        layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        encoder = nn.ModuleDict({"layers": layers, "norm": Norm(config.hidden)})
        self.backbone = nn.ModuleDict({"encoder": encoder})
        self.proj_embedding = nn.Linear(config.hidden, config.hidden, bias=False)
        # One row more than there are tokens: NeMo's word of padding, which nobody says.
        self.subword_flag_emb = _Flags(is_continuation=vocabulary + 1)
        self.subword_flag_emb.cont_emb = nn.Embedding(2, config.hidden)
        self.bos_eos_emb = _Flags(special_flags=vocabulary)
        self.bos_eos_emb.special_emb = nn.Embedding(3, config.hidden)
        self.requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take the tensors under ``PREFIX`` where they lie, floats as float32.

        Raises ``CheckpointError`` naming a tensor that is missing, unexpected or of another shape.
        """
        exact = {
            name: tensor.float() if tensor.is_floating_point() else tensor
            for name, tensor in weights.items()
        }
        fill(self, exact, prefix=PREFIX)

    @torch.no_grad()
    def forward(self, letters: Tensor) -> Tensor:
        """Float32 ``[tokens, hidden]`` of int64 ``[tokens, length]``, without the flags.

        Each token has at least one letter, and ``PADDING`` behind its last.
        """
        real = letters != PADDING
        value = self.embed_tokens(letters) * math.sqrt(self.config.hidden)
        value = torch.where(real[..., None], value, 0.0)
        turns = self._turns(letters.shape[1], letters.device)
        encoder = self.backbone["encoder"]
        for layer in encoder["layers"]:
            value = layer(value, real, turns)
        value = torch.where(real[..., None], encoder["norm"](value), 0.0)
        return self.proj_embedding(value.sum(1) / real.sum(1, keepdim=True))

    def _turns(self, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Cosine and sine ``[length, head_dim]`` of the angles by position."""
        half = torch.arange(0, self.config.head_dim, 2, device=device) / self.config.head_dim
        angle = torch.arange(length, device=device)[:, None] * self.config.theta**-half
        angle = torch.cat([angle, angle], -1)
        return angle.cos(), angle.sin()


class _Flags(nn.Module):
    """Int64 buffers of the checkpoint: a flag for each id by name, and which id is padding."""

    def __init__(self, **rows: int) -> None:
        super().__init__()
        for name, count in rows.items():
            self.register_buffer(name, torch.zeros(count, dtype=torch.int64))
        self.register_buffer("pad_tensor", torch.zeros((), dtype=torch.int64))


class _Layer(nn.Module):
    def __init__(self, config: SpellingConfig) -> None:
        super().__init__()
        self.self_attn = _Attention(config)
        self.mlp = GatedMlp(config.hidden, config.intermediate)
        self.pre_self_attn_layernorm = Norm(config.hidden)
        self.post_self_attn_layernorm = Norm(config.hidden)
        self.pre_feedforward_layernorm = Norm(config.hidden)
        self.post_feedforward_layernorm = Norm(config.hidden)

    def forward(self, value: Tensor, real: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        heard = self.self_attn(self.pre_self_attn_layernorm(value), real, turns)
        value = value + self.post_self_attn_layernorm(heard)
        thought = self.mlp(self.pre_feedforward_layernorm(value))
        return value + self.post_feedforward_layernorm(thought)


class _Attention(nn.Module):
    """Every letter hears all letters of its token; as many heads for keys as for queries."""

    def __init__(self, config: SpellingConfig) -> None:
        super().__init__()
        self.config = config
        width = config.heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden, width, bias=False)
        self.k_proj = nn.Linear(config.hidden, width, bias=False)
        self.v_proj = nn.Linear(config.hidden, width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden, bias=False)

    def forward(self, value: Tensor, real: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        query, key, told = (
            project(value).unflatten(-1, (self.config.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = _turned(query, turns) @ _turned(key, turns).transpose(-1, -2)
        cap = self.config.softcap
        scores = cap * torch.tanh(scores / (math.sqrt(self.config.query_scalar) * cap))
        scores = scores.masked_fill(~real[:, None, None], -torch.inf)
        return self.o_proj((scores.softmax(-1) @ told).transpose(1, 2).flatten(2))


def _turned(value: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = turns
    first, second = value.chunk(2, -1)
    return value * cosine + torch.cat([-second, first], -1) * sine
