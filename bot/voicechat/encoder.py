"""The cache-aware FastConformer: whole recordings, and rows of different age one frame at a time.

All weights live in the modules of transformers' ``NemotronAsrStreamingEncoder``, which is the same
network (Fast Conformer: arXiv 2305.05084; cache-aware streaming: arXiv 2312.17279). Only what its
forward cannot do is written here: rows of different age, and padding that NeMo treats otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import NemotronAsrStreamingEncoder, NemotronAsrStreamingEncoderConfig

from bot.voicechat.config import EncoderConfig
from bot.voicechat.rows import keep_
from bot.voicechat.subsampling import Tails, halve, new_tails, subsample


@dataclass(frozen=True, slots=True)
class LayerState:
    """What a conformer layer remembers."""

    keys: Tensor
    """float32 ``[rows, left + 1, heads, width / heads]``; frame ``n`` is in place
    ``n % (left + 1)``, so that a step writes one place and moves none."""
    values: Tensor
    """As ``keys``."""
    conv: Tensor
    """float32 ``[rows, width, kernel - 1]``, the last inputs of the depthwise convolution."""


@dataclass(frozen=True, slots=True)
class EncoderState:
    """What the encoder remembers of each row."""

    frames: Tensor
    """int64 ``[rows]``, done so far."""
    tails: Tails
    layers: tuple[LayerState, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What all layers share in a step."""

    mask: Tensor
    """bool ``[rows]``: who steps."""
    rows: Tensor
    """int64 ``[rows]``: 0, 1, 2 …"""
    place: Tensor
    """int64 ``[rows]``: of this frame among the keys."""
    back: Tensor
    """int64 ``[rows, 1, 1, left + 1]``: frames from each key to this one."""
    unseen: Tensor
    """bool, as ``back``: keys from before the call."""


class Affine(nn.Module):
    """Frozen batch norm as one map, in the place of the layer norm the class has."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(width))
        self.shift = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        """``[…, width]`` to the same."""
        return x * self.scale + self.shift


class Encoder(nn.Module):
    """Mel columns to rows of 80 ms. After loading, ``prepare`` must be called once."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        whole = NemotronAsrStreamingEncoder(_class_config(config))
        self.subsampling, self.layers = whole.subsampling, whole.layers
        if config.batch_norm:
            for layer in self.layers:
                layer.conv.norm = Affine(config.width)
        self.scale = config.width**0.5 if config.scale_input else 1.0
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def prepare(self) -> None:
        """Project the position keys: they are the same in every step, ``[heads, left + 1, …]``."""
        for layer in self.layers:
            attention = layer.self_attn
            table = _positions(torch.arange(self.config.left + 1), attention.relative_k_proj.weight)
            keys = attention.relative_k_proj(table).unflatten(-1, (self.config.heads, -1))
            layer.register_buffer("position_keys", keys.transpose(0, 1), persistent=False)

    @torch.no_grad()
    def whole(self, mel: Tensor, valid: Tensor, lookahead: int = 0) -> tuple[Tensor, Tensor]:
        """Rows of whole recordings.

        Transformers' forward lets padding attend to sound; in NeMo it sees nothing at all, and
        NeMo feeds such rows on. Hence this loop over the class's layers with NeMo's mask.

        Args:
            mel: float32 ``[batch, bins, columns]``, zero past what is valid.
            valid: int64 ``[batch]``, columns that are sound.
            lookahead: rows a row may see of what follows it, at most; one of the config's.

        Returns:
            float32 ``[batch, T, width]`` and int64 ``[batch]``, the valid rows.
        """
        column = torch.arange(mel.shape[-1], device=mel.device)
        x = self.subsampling(mel.transpose(1, 2), column < valid[:, None]) * self.scale
        rows = halve(halve(halve(valid)))
        seen = self._seen(x.shape[1], rows, lookahead)
        offsets = torch.arange(x.shape[1] - 1, -x.shape[1], -1, device=x.device)
        positions = _positions(offsets, x).expand(x.shape[0], -1, -1)
        for layer in self.layers:
            x = layer(
                x,
                attention_mask=seen,
                all_masked_rows=~seen.any(-1),
                position_embeddings=positions,
            )
        return x, rows

    def _seen(self, count: int, rows: Tensor, lookahead: int) -> Tensor:
        """bool ``[batch, 1, T, T]``: which key a query sees, by chunks of ``lookahead + 1``."""
        row = torch.arange(count, device=rows.device)
        chunk = row // (lookahead + 1)
        back = chunk[:, None] - chunk
        near = (back >= 0) & (back <= self.config.left // (lookahead + 1))
        live = row < rows[:, None]
        return (near & live[:, None] & live[..., None])[:, None]

    def new_state(self, rows: int) -> EncoderState:
        """Rows before their call."""
        config, weight = self.config, self.subsampling.conv_in.weight
        keys = (rows, config.left + 1, config.heads, config.width // config.heads)
        return EncoderState(
            frames=weight.new_zeros(rows, dtype=torch.int64),
            tails=new_tails(weight, rows=rows, bins=config.mel_bins),
            layers=tuple(
                LayerState(
                    keys=weight.new_zeros(keys),
                    values=weight.new_zeros(keys),
                    conv=weight.new_zeros(rows, config.width, config.kernel - 1),
                )
                for _ in self.layers
            ),
        )

    @torch.no_grad()
    def step(self, state: EncoderState, columns: Tensor, valid: Tensor, mask: Tensor) -> Tensor:
        """The next row of each, without lookahead.

        Args:
            state: advanced in the rows of ``mask``.
            columns: float32 ``[rows, bins, 8]``: columns ``8 k - 7 … 8 k`` of a row's frame ``k``,
                zero before the call and past its end.
            valid: int64 ``[rows]``, columns of the call so far, past which there is no sound.
            mask: bool ``[rows]``.

        Returns:
            float32 ``[rows, width]``; of no meaning where the mask is false.
        """
        x = subsample(
            self.subsampling, state.tails, columns, frame=state.frames, valid=valid, mask=mask
        )
        x = x * self.scale
        moment = self._moment(state.frames, mask)
        for layer, memory in zip(self.layers, state.layers, strict=True):
            x = _layer(layer, memory, x, moment)
        keep_(state.frames, state.frames + 1, mask)
        return x[:, 0]

    def _moment(self, frames: Tensor, mask: Tensor) -> Moment:
        places = self.config.left + 1
        back = (frames[:, None] - torch.arange(places, device=frames.device)) % places
        return Moment(
            mask=mask,
            rows=torch.arange(frames.shape[0], device=frames.device),
            place=frames % places,
            back=back[:, None, None],
            unseen=(back > frames[:, None])[:, None, None],
        )


def _layer(layer: nn.Module, memory: LayerState, x: Tensor, moment: Moment) -> Tensor:
    """``[rows, 1, width]`` through a conformer layer."""
    x = x + 0.5 * layer.feed_forward1(layer.norm_feed_forward1(x))
    x = x + _attend(layer, memory, layer.norm_self_att(x), moment)
    x = x + _convolve(layer.conv, memory, layer.norm_conv(x), moment)
    x = x + 0.5 * layer.feed_forward2(layer.norm_feed_forward2(x))
    return layer.norm_out(x)


def _attend(layer: nn.Module, memory: LayerState, x: Tensor, moment: Moment) -> Tensor:
    """Attention with relative positions (Transformer-XL, arXiv 1901.02860) of one query a row."""
    module = layer.self_attn
    heads = module.bias_u.shape
    query = module.q_proj(x).view(-1, 1, *heads).transpose(1, 2)
    _write(memory.keys, module.k_proj(x).view(-1, *heads), moment)
    _write(memory.values, module.v_proj(x).view(-1, *heads), moment)
    by_distance = (query + module.bias_v[:, None]) @ layer.position_keys.transpose(1, 2)
    bias = by_distance.gather(-1, moment.back.expand_as(by_distance)) * module.scaling
    out = functional.scaled_dot_product_attention(
        query + module.bias_u[:, None],
        memory.keys.transpose(1, 2),
        memory.values.transpose(1, 2),
        attn_mask=bias.masked_fill(moment.unseen, -torch.inf),
        scale=module.scaling,
    )
    return module.o_proj(out.transpose(1, 2).flatten(2))


def _write(places: Tensor, new: Tensor, moment: Moment) -> None:
    """Put ``new`` in each row's place; a row that does not step gets back what it has there."""
    at = (moment.rows, moment.place)
    places[at] = torch.where(moment.mask[:, None, None], new, places[at])


def _convolve(module: nn.Module, memory: LayerState, x: Tensor, moment: Moment) -> Tensor:
    """The convolution module on one row; over a single row all its convolutions are products."""
    x = functional.glu(_pointwise(module.pointwise_conv1, x[:, 0]), -1)
    seen = torch.cat([memory.conv, x[..., None]], -1)
    keep_(memory.conv, seen[..., 1:], moment.mask)
    depthwise = module.depthwise_conv
    x = (seen * depthwise.weight[:, 0]).sum(-1)
    if depthwise.bias is not None:
        x = x + depthwise.bias
    x = module.activation(module.norm(x))
    return _pointwise(module.pointwise_conv2, x)[:, None]


def _pointwise(conv: nn.Module, x: Tensor) -> Tensor:
    return functional.linear(x, conv.weight[..., 0], conv.bias)


def _positions(offsets: Tensor, like: Tensor) -> Tensor:
    """Sines and cosines, interleaved, of int64 ``[n]``: ``[n, like's width]``, positive is past."""
    width = like.shape[-1]
    power = torch.arange(0, width, 2, dtype=torch.float32, device=like.device) / width
    angle = offsets.to(like.device, torch.float32)[:, None] * (1.0 / 10000.0**power)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).to(like.dtype)


def _class_config(config: EncoderConfig) -> NemotronAsrStreamingEncoderConfig:
    return NemotronAsrStreamingEncoderConfig(
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward,
        attention_bias=config.bias,
        convolution_bias=config.bias,
        conv_kernel_size=config.kernel,
        subsampling_conv_channels=config.channels,
        num_mel_bins=config.mel_bins,
        scale_input=config.scale_input,
        sliding_window=config.left + 1,
        default_num_lookahead_tokens=0,
        # Padding sees no key at all: zeros come of that here, NaN in the class's eager attention.
        attn_implementation="sdpa",
        dropout=0.0,
        activation_dropout=0.0,
        attention_dropout=0.0,
        layerdrop=0.0,
    )
