"""transformers' Nemotron-H as the thinker needs it: unclamped, and stepped row by row."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor
from torch.nn import functional
from transformers import NemotronHConfig
from transformers.models.nemotron_h.modeling_nemotron_h import (
    NemotronHMamba2Mixer,
    NemotronHModel,
)

from bot.voicechat.hybridcache import MambaState

UNCLAMPED = (0.0, math.inf)


def language_model(config: NemotronHConfig) -> NemotronHModel:
    """Without its weights.

    transformers 5.16 to 5.23 clamp dt at ``time_step_min`` in the pass of many positions but not
    in that of one, so that a prompt would leave another state than the same tokens one by one;
    the checkpoint was trained without a clamp (mamba-ssm's default limit).
    """
    own = copy.deepcopy(config)
    own._attn_implementation = "sdpa"  # takes a mask per row
    model = NemotronHModel(own)
    for layer in model.layers:
        if isinstance(layer.mixer, NemotronHMamba2Mixer):
            layer.mixer.time_step_limit = UNCLAMPED
    return model


def mamba_step(
    mixer: NemotronHMamba2Mixer, hidden: Tensor, *, kept: MambaState, mask: Tensor
) -> Tensor:
    """One position of a Mamba2 mixer, [rows, width] to the same.

    Not the mixer's own one-token path: that writes every row's state. What lies between the two
    projections is small but for the state, and is float32.
    """
    inner, groups = mixer.intermediate_size, mixer.n_groups
    parts = mixer.in_proj(hidden).split([inner, mixer.conv_dim, mixer.num_heads], dim=-1)
    gate, channels, dt = parts
    weight, bias = mixer.conv1d.weight.squeeze(1), mixer.conv1d.bias
    channels = mixer.act(kept.convolve(channels, weight=weight, bias=bias, mask=mask))
    depth = groups * mixer.ssm_state_size
    x, b, c = channels.split([inner, depth, depth], dim=-1)
    x = x.unflatten(-1, (mixer.num_heads, mixer.head_dim))
    y = kept.scan(
        x,
        dt=functional.softplus(dt.float() + mixer.dt_bias.float()),
        log_decay=-torch.exp(mixer.A_log.float()),
        b=b.unflatten(-1, (groups, -1)),
        c=c.unflatten(-1, (groups, -1)),
        mask=mask,
    )
    y = (y + mixer.D.float()[:, None] * x).flatten(1)
    return mixer.out_proj(mixer.norm(y, gate).to(hidden.dtype))
