"""The mind: a Nemotron-H language model that takes one fused position per 80 ms frame.

Its input sums what was heard with what the model itself said, heard and called one frame before;
its output goes to a head for each channel (SALM-Duplex, arXiv 2505.15670; NeMo's DuplexSTTModel).
Modules and weights are transformers'. Many rows of different age take a position in one step, a
prompt is taken in one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import NemotronHConfig
from transformers.models.nemotron_h.modeling_nemotron_h import (
    NemotronHAttention,
    NemotronHMamba2Mixer,
)

from bot.voicechat.config import Boosts, ThinkerConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.filling import fill
from bot.voicechat.hybridcache import (
    AttentionState,
    ContextFull,
    FrameCache,
    LayerState,
    MambaState,
    PromptCache,
    ThinkerState,
)
from bot.voicechat.layout import STT
from bot.voicechat.nemotronh import language_model, mamba_step
from bot.voicechat.section import WHERE
from bot.voicechat.special import SpecialTokens

PARTS = ("llm.", "embed_tokens.", "embed_asr_tokens.", "lm_head.", "asr_head.", "function_head.")
"""What the names of a thinker's tensors begin with, after ``stt_model.``."""

OLDER = "llm.backbone."


@dataclass(frozen=True, slots=True)
class Logits:
    """Float32 [rows, vocabulary] each, boosts added; ``None`` where there is no such head."""

    text: Tensor
    asr: Tensor | None
    function: Tensor | None


class Thinker(nn.Module):
    """Language model, embeddings and heads. Has no weights of use before ``load``.

    Args:
        config: what is around the language model.
        llm: its sizes; it is not changed.
        special: ids that the boosts and the prompt need.
    """

    def __init__(
        self,
        config: ThinkerConfig,
        llm: NemotronHConfig,
        *,
        special: SpecialTokens = SpecialTokens(),  # noqa: B008 -- frozen
    ) -> None:
        super().__init__()
        if config.hidden != llm.hidden_size:
            raise CheckpointError(
                where=f"{WHERE}: perception.output_dim",
                what=f"{config.hidden}, but the language model's width is {llm.hidden_size}",
            )
        self.config, self.special = config, special
        self.llm = language_model(llm)
        # NeMo holds the table beside the language model, and the checkpoint's names follow that.
        self.embed_tokens = self.llm.embeddings
        del self.llm.embeddings
        shape = (llm.vocab_size, llm.hidden_size)
        self.lm_head = nn.Linear(*reversed(shape), bias=False)
        self.embed_asr_tokens = nn.Embedding(*shape) if config.asr_head else None
        self.asr_head = nn.Linear(*reversed(shape), bias=False) if config.asr_head else None
        self.function_head = (
            nn.Linear(*reversed(shape), bias=False) if config.function_head else None
        )
        self.eval().requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take ``weights`` over as they are, dtype and device included, without a copy.

        Names are those of the checkpoint after ``stt_model.`` (``PARTS``), also with the older
        ``llm.backbone.``. Raises ``CheckpointError`` naming the tensor that is missing, is not
        expected or has another shape.
        """
        older = {name.replace(OLDER, "llm.", 1): name for name in weights}
        fill(self, weights, rename=lambda name: older.get(name, name), prefix=STT)

    @property
    def dtype(self) -> torch.dtype:
        """Of what the layers pass on."""
        return self.llm.norm_f.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.llm.norm_f.weight.device

    @torch.no_grad()
    def new_state(self, rows: int, length: int) -> ThinkerState:
        """Fresh rows of at most ``length`` positions, the prompt's included."""
        return ThinkerState(
            position=torch.zeros(rows, dtype=torch.int64, device=self.device),
            layers=tuple(self._new_layer(layer.mixer, rows, length) for layer in self.llm.layers),
            length=length,
        )

    def _new_layer(self, mixer: nn.Module, rows: int, length: int) -> LayerState:
        def zeros(*shape: int, dtype: torch.dtype = self.dtype) -> Tensor:
            return torch.zeros(rows, *shape, dtype=dtype, device=self.device)

        if isinstance(mixer, NemotronHMamba2Mixer):
            matrix = (mixer.num_heads, mixer.head_dim, mixer.ssm_state_size)
            return MambaState(
                conv=zeros(mixer.conv_dim, mixer.conv_kernel_size),
                ssm=zeros(*matrix, dtype=torch.float32),
            )
        if isinstance(mixer, NemotronHAttention):
            shape = (mixer.k_proj.out_features // mixer.head_dim, length, mixer.head_dim)
            return AttentionState(keys=zeros(*shape), values=zeros(*shape))
        return None

    @torch.no_grad()
    def build_input_embedding(
        self,
        audio: Tensor,
        *,
        text: Tensor,
        asr: Tensor | None = None,
        function: Tensor | None = None,
    ) -> Tensor:
        """Fuse a frame's row of sound with the tokens of the frame before; [n, width].

        ``audio`` [n, width] of any dtype, tokens int64 [n]; those of a channel without a head are
        ignored. Text and function channel share one table (NeMo). Trees of NeMo differ in the
        order of the sum; here it is float32 and is cast once, so that the order is of no account.
        """
        fused = audio.float() * self.config.user_weight
        fused = fused + self.embed_tokens(text).float() * self.config.text_weight
        if self.embed_asr_tokens is not None:
            fused = fused + self.embed_asr_tokens(asr).float() * self.config.asr_weight
        if self.function_head is not None:
            fused = fused + self.embed_tokens(function).float() * self.config.function_weight
        return fused.to(self.dtype)

    @torch.no_grad()
    def prompt_embedding(self, prompt_ids: Sequence[int]) -> Tensor:
        """Positions of a system prompt [n, width]: its tokens are where the sound will be."""
        ids = torch.tensor(list(prompt_ids), dtype=torch.int64, device=self.device)
        pad = torch.full_like(ids, self.special.pad)
        return self.build_input_embedding(self.embed_tokens(ids), text=pad, asr=pad, function=pad)

    @torch.no_grad()
    def prefill(self, state: ThinkerState, row: int, prompt_ids: Sequence[int]) -> None:
        """Take a system prompt into a fresh row, in one pass; the heads are not asked.

        ``prompt_ids``: BOS, the encoded prompt without special tokens, EOS (NeMo). Reads the row's
        position on the host: not for a CUDA graph. Raises ``ContextFull`` and, for a row that has
        begun, ``ValueError``.
        """
        count, used = len(prompt_ids), int(state.position[row])
        if used:
            raise ValueError(f"row {row}: a prompt is for a fresh row, {used} positions are used")
        if count > state.length:
            raise ContextFull(row=row, wanted=count, used=used, length=state.length)
        if not count:
            return
        cache = PromptCache(state, row)
        hidden = self.prompt_embedding(prompt_ids)[None]
        for layer in self.llm.layers:
            normed = layer.norm(hidden)
            if isinstance(layer.mixer, NemotronHMamba2Mixer):
                out = layer.mixer(normed, cache_params=cache)
            elif isinstance(layer.mixer, NemotronHAttention):
                out, _ = layer.mixer(hidden_states=normed, past_key_values=cache)
            else:
                out = layer.mixer(normed)
            hidden = hidden + out
        state.position[row] = count

    @torch.no_grad()
    def step(self, state: ThinkerState, embeds: Tensor, mask: Tensor) -> Tensor:
        """One position for the rows of ``mask`` (bool [rows]) that have room.

        Args:
            state: changed in place, only in those rows.
            embeds: [rows, width]; those of other rows are not looked at.
            mask: which rows take a position.

        Returns:
            What the heads read, [rows, width]; of other rows it means nothing.
        """
        going = state.going(mask)
        # Rows left out may hold anything, and a NaN would reach the logits and alarm the sampler.
        hidden = torch.where(going[:, None], embeds.to(self.dtype), 0.0)
        cache = FrameCache(state, going)
        places = torch.arange(state.length, device=embeds.device)
        visible = (places <= state.position[:, None])[:, None, None, :]
        for layer, kept in zip(self.llm.layers, state.layers, strict=True):
            normed = layer.norm(hidden)
            if isinstance(kept, MambaState):
                out = mamba_step(layer.mixer, normed, kept=kept, mask=going)
            elif isinstance(kept, AttentionState):
                out = layer.mixer(
                    hidden_states=normed[:, None], attention_mask=visible, past_key_values=cache
                )[0][:, 0]
            else:
                out = layer.mixer(normed)
            hidden = hidden + out
        state.position.add_(going)
        return self.llm.norm_f(hidden)

    @torch.no_grad()
    def logits(self, hidden: Tensor) -> Logits:
        """Ask the heads; ``hidden`` [rows, width] as ``step`` returns it."""
        text = self._boosted(self.lm_head(hidden), self.config.text_boosts)
        asr = function = None
        if self.asr_head is not None:
            asr = self._boosted(self.asr_head(hidden), self.config.asr_boosts)
        if self.function_head is not None:
            function = self.function_head(hidden).float()
        return Logits(text=text, asr=asr, function=function)

    def _boosted(self, logits: Tensor, boosts: Boosts) -> Tensor:
        logits, special = logits.float(), self.special
        for token, boost in (
            (special.pad, boosts.pad),
            (special.bos, boosts.bos),
            (special.eos, boosts.eos),
        ):
            if boost:
                logits[:, token] += boost
        return logits
