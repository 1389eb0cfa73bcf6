"""The talker's memory: a Gemma-3 decoder over embeddings, whose rows are calls of any age.

Gemma 3 (arXiv 2503.19786): norms before and after both halves of a layer, norms of queries and
keys, layers that see a window among layers that see all, with rotary angles (RoPE, arXiv
2104.09864) of another base. Sizes and names of tensors are those of transformers'
``Gemma3TextModel``, which NeMo 3.0.0 has under its ``RVQEARTTSModel``, without a table of words;
so embeddings are not scaled by the root of the width.

Each call has one or two *streams* (two under guidance: conditioned, and not), which have their
position in common and nothing else. Weights may be of any float dtype; norms, angles, softmax and
what runs from layer to layer are float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.filling import fill
from bot.voicechat.gemmacache import BackboneState, FrameMemory, Memory, PromptMemory
from bot.voicechat.hybridcache import ContextFull
from bot.voicechat.layout import TALKER
from bot.voicechat.speechconfig import BackboneConfig

PREFIX = f"{TALKER}tts_model.backbone."
EPS = 1e-6
"""Of the norms; transformers' default."""


class Places(NamedTuple):
    """What a layer must know of positions; in pairs, for sliding layers and for full ones.

    ``cos`` and ``sin`` float32 [2, ..., new positions, half a head], ``unseen`` bool
    [2, ..., new positions, positions], each to be broadcast over a layer's tensors.
    """

    cos: Tensor
    sin: Tensor
    unseen: Tensor


class Norm(nn.Module):
    """Root mean square norm, float32 out; the weight is what is added to a gain of 1."""

    def __init__(self, width: int, *, eps: float = EPS) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.zeros(width)), eps

    def forward(self, x: Tensor) -> Tensor:
        gain = 1 + self.weight.float()
        return functional.rms_norm(x.float(), gain.shape, gain, self.eps)


class GatedMlp(nn.Module):
    """One projection through GELU (its tanh form) times another, and back."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.down_proj.weight.dtype)
        gate = functional.gelu(self.gate_proj(x), approximate="tanh")
        return self.down_proj(gate * self.up_proj(x))


class Attention(nn.Module):
    """Each head has its own keys and values. The scale is a number of the configuration, and not
    that of the head width."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        inner = config.heads * config.head_dim
        self.heads, self.scale = config.heads, config.query_scalar**-0.5
        self.q_proj = nn.Linear(config.hidden, inner, bias=False)
        self.k_proj = nn.Linear(config.hidden, inner, bias=False)
        self.v_proj = nn.Linear(config.hidden, inner, bias=False)
        self.o_proj = nn.Linear(inner, config.hidden, bias=False)
        self.q_norm = Norm(config.head_dim)
        self.k_norm = Norm(config.head_dim)

    def forward(
        self, x: Tensor, *, layer: int, full: int, places: Places, memory: Memory
    ) -> Tensor:
        """``x`` [..., positions, width]; ``full`` is which of each pair of ``places``.

        Plain products and not a fused kernel: those work on tiles of many queries, and a step has
        one per row, so that nearly all that they multiply is thrown away.
        """
        x = x.to(self.o_proj.weight.dtype)
        angles = places.cos[full], places.sin[full]
        query = _turned(self.q_norm(self._split(self.q_proj(x))), *angles) * self.scale
        key = _turned(self.k_norm(self._split(self.k_proj(x))), *angles)
        keys, values = memory.update(layer, key, self._split(self.v_proj(x)))
        scores = torch.matmul(query.to(keys.dtype), keys.transpose(-1, -2)).float()
        shares = scores.masked_fill(places.unseen[full], -torch.inf).softmax(-1)
        heard = torch.matmul(shares.to(values.dtype), values)
        return self.o_proj(heard.transpose(-2, -3).flatten(-2).to(x.dtype))

    def _split(self, x: Tensor) -> Tensor:
        """[..., positions, width] to [..., heads, positions, head width]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)


class Layer(nn.Module):
    """Attention, then the MLP; each between two norms, and added to what came in."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.input_layernorm = Norm(config.hidden)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = Norm(config.hidden)
        self.pre_feedforward_layernorm = Norm(config.hidden)
        self.mlp = GatedMlp(config.hidden, config.intermediate)
        self.post_feedforward_layernorm = Norm(config.hidden)

    def forward(
        self, x: Tensor, *, layer: int, full: int, places: Places, memory: Memory
    ) -> Tensor:
        heard = self.self_attn(
            self.input_layernorm(x), layer=layer, full=full, places=places, memory=memory
        )
        x = x + self.post_attention_layernorm(heard)
        thought = self.mlp(self.pre_feedforward_layernorm(x))
        return x + self.post_feedforward_layernorm(thought)


class Backbone(nn.Module):
    """The decoder. Has no weights of use before ``load``."""

    inverse: Tensor

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(Layer(config) for _ in config.full)
        self.norm = Norm(config.hidden)
        self._place_angles(self.norm.weight.device)
        self.eval().requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take ``weights`` over as they are, dtype and device included, without a copy.

        Names are those of the checkpoint after ``tts_model.tts_model.backbone.``. Raises
        ``CheckpointError`` naming a tensor that is missing, not expected or of another shape.
        """
        for one in weights.values():
            self._place_angles(one.device)
            break
        fill(self, weights, prefix=PREFIX)

    def _place_angles(self, device: torch.device) -> None:
        """Two tables of turns per position, [2, half a head]: sliding layers' and full ones'.

        Computed on the CPU, whatever the device: powers differ in their last bits elsewhere, and
        after thousands of positions an angle would, too, in digits that matter.
        """
        share = (
            torch.arange(0, self.config.head_dim, 2, device="cpu").float() / self.config.head_dim
        )
        bases = (self.config.theta_sliding, self.config.theta_full)
        table = torch.stack([1.0 / base**share for base in bases])
        self.register_buffer("inverse", table.to(device), persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        """Of the projections."""
        first = self.layers[0]
        assert isinstance(first, Layer)
        return first.self_attn.o_proj.weight.dtype

    @torch.no_grad()
    def new_state(
        self, rows: int, streams: int, length: int, *, dtype: torch.dtype | None = None
    ) -> BackboneState:
        """Fresh rows of at most ``length`` positions; keys and values of the weights' dtype
        unless said."""
        config, device = self.config, self.norm.weight.device

        def zeros() -> tuple[Tensor, ...]:
            shape = (rows, streams, config.heads, length, config.head_dim)
            kind = dtype or self.dtype
            return tuple(torch.zeros(shape, dtype=kind, device=device) for _ in config.full)

        position = torch.zeros(rows, dtype=torch.int64, device=device)
        return BackboneState(position=position, keys=zeros(), values=zeros())

    @torch.no_grad()
    def step(
        self, state: BackboneState, x: Tensor, mask: Tensor, *, span: int | None = None
    ) -> Tensor:
        """One position for the rows of ``mask`` (bool [rows]) that have room.

        Args:
            state: changed in place, only in those rows.
            x: [rows, streams, width]; those of other rows are not looked at.
            mask: which rows take a position.
            span: how much of a row's length is read: more than the position of every row that
                steps. All of it, if None. A captured step has its own span for good, so the host
                keeps one for each of a few, and takes the shortest that will do.

        Returns:
            What the head reads, float32 [rows, streams, width]; of other rows it means nothing.
        """
        span = state.length if span is None else min(span, state.length)
        going = state.going(mask)
        x = torch.where(going[:, None, None], x.float(), 0.0)
        position = state.position.clamp(max=span - 1)[:, None, None, None]
        places = self._places(position, torch.arange(span, device=x.device))
        hidden = self._run(x[:, :, None], places, FrameMemory(state, going, span))
        state.position.add_(going)
        return hidden[:, :, 0]

    @torch.no_grad()
    def prefill(self, state: BackboneState, row: int, x: Tensor) -> Tensor:
        """Take the positions ``x`` [streams, positions, width] into a fresh row, in one pass.

        Returns float32 in the shape of ``x``. Reads the row's position on the host: not for a CUDA
        graph. Raises ``ContextFull`` and, for a row that has begun, ``ValueError``.
        """
        count, used = x.shape[1], int(state.position[row])
        if used:
            raise ValueError(f"row {row}: a prompt is for a fresh row, {used} positions are used")
        if count > state.length:
            raise ContextFull(row=row, wanted=count, used=used, length=state.length)
        positions = torch.arange(count, device=x.device)
        places = self._places(positions, positions)
        hidden = self._run(x.float(), places, PromptMemory(state, row))
        state.position[row] = count
        return hidden

    def _places(self, new: Tensor, seen: Tensor) -> Places:
        """``new`` [..., new positions], ``seen`` [positions]: int64 both."""
        back = new[..., None] - seen
        future = back < 0
        unseen = torch.stack([future | (back >= self.config.window), future])
        turns = new[..., None].float()
        inverse = self.inverse.view(2, *([1] * new.dim()), -1)
        angles = turns * inverse
        return Places(cos=angles.cos(), sin=angles.sin(), unseen=unseen)

    def _run(self, x: Tensor, places: Places, memory: Memory) -> Tensor:
        for index, (layer, full) in enumerate(zip(self.layers, self.config.full, strict=True)):
            x = layer(x, layer=index, full=int(full), places=places, memory=memory)
        out: Tensor = self.norm(x)
        return out


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE with the two halves of a head as the pairs (transformers); all float32."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
