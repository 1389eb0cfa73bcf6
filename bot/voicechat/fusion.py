"""What the talker reads in a frame: the codes of the frame before, and a text token.

A gate per channel weighs the one against the other (NeMo 3.0.0, ``RVQEARTTSModel``). Under
classifier-free guidance (arXiv 2207.12598) there are two streams, the second of which reads one
learnt vector in place of every text. Always float32.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.errors import CheckpointError
from bot.voicechat.filling import fill
from bot.voicechat.gemma import Norm
from bot.voicechat.rvq import Codebooks
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speechconfig import SpeechConfig
from bot.voicechat.speechlayout import TTS
from bot.voicechat.subwords import SubwordTable

BOOKS = "rvq_embs"
TERMS = 31
"""What embedded codes are divided by: a default of NeMo's, whatever the number of codebooks."""
BATCH = 8192
"""Tokens of which the text side is computed at once, when loading."""


class Gate(nn.Module):
    """``s (g A(a) + (1 - g) T(t))``, ``g`` per channel and ``s`` one number, and a norm of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.audio_proj = nn.Linear(width, width)
        self.text_proj = nn.Linear(width, width)
        self.gate = nn.Parameter(torch.zeros(width))
        self.residual_scale = nn.Parameter(torch.zeros(()))
        self.final_norm = Norm(width)

    def forward(self, audio: Tensor, text: Tensor) -> Tensor:
        """Both [..., width], to be broadcast; ``audio`` is not divided yet."""
        gate, scale = torch.sigmoid(self.gate), torch.sigmoid(self.residual_scale)
        heard, said = self.audio_proj(audio / TERMS), self.text_proj(text)
        fused: Tensor = self.final_norm(scale * (gate * heard + (1 - gate) * said))
        return fused

    def audio_side(self, embed: Tensor) -> Tensor:
        """All that happens to a latent before the sum, as one matrix [width, latent], float64;
        ``embed`` is the weight of the projection before."""
        share = self.residual_scale.double().sigmoid() * self.gate.double().sigmoid()
        return share[:, None] * (self.audio_proj.weight.double() @ embed.double()) / TERMS

    def text_side(self, text: Tensor) -> Tensor:
        """All that happens to ``text`` [..., width] before the sum, and both biases; float64."""
        scale, gate = self.residual_scale.double().sigmoid(), self.gate.double().sigmoid()
        bias = gate * self.audio_proj.bias.double() + (1 - gate) * self.text_proj.bias.double()
        weight = (1 - gate)[:, None] * self.text_proj.weight.double()
        return functional.linear(text.double(), scale * weight, scale * bias)


class Fusion(nn.Module):
    """Codes and words of a frame as one vector per stream. Has no weights of use before ``load``.

    A frame is a lookup, one small product and the norm: text and learnt vectors go through their
    projection once, when loading, and that of the codes is multiplied into one matrix, both in
    float64. What a voice's prompt has in place of codes goes the whole way.
    """

    silence: Tensor
    """int64 [codebooks]: the codes of a silent frame."""
    words: Tensor
    """[vocabulary, width], the text side of each token, of the table's dtype."""
    wordless: Tensor
    """[width], that of no text."""
    sounds: Tensor
    """[width, latent], the audio side."""
    prompt: Tensor
    """[positions, width]: the text of a voice's prompt, before its projection."""

    def __init__(self, config: SpeechConfig, *, special: SpecialTokens) -> None:
        super().__init__()
        width = config.backbone.hidden
        self.config, self.special = config, special
        self.streams = 2 if config.guidance else 1
        self.books = Codebooks(config.codec)
        self.embed_code = nn.Linear(config.codec.latent, width, bias=False)
        self.gated_fusion_audio_text = Gate(width)
        self.bos_emb = nn.Parameter(torch.zeros(width))
        self.null_emb = nn.Parameter(torch.zeros(width))
        projection = torch.zeros(width, width) if config.frozen_projection else None
        self.register_buffer("audio_prompt_projection_W", projection)
        for name in ("silence", "words", "wordless", "sounds", "prompt"):
            self.register_buffer(name, None, persistent=False)
        self.requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor], *, words: SubwordTable, silence: Tensor) -> None:
        """Take the tensors of ``tts_model.tts_model.*`` that are no part of one of its modules.

        The fusion's among them, and ``rvq_embs``. ``silence`` int64 [codebooks]. Raises
        ``CheckpointError`` naming a tensor that is missing, unexpected or of another shape.
        """
        own = {name: one.float() for name, one in weights.items() if name != BOOKS}
        if BOOKS not in weights:
            raise CheckpointError(where=TTS + BOOKS, what="missing")
        self.books.load(weights[BOOKS], name=TTS + BOOKS)
        fill(self, own, prefix=TTS)
        self.fold(words, silence)

    @torch.no_grad()
    def fold(self, words: SubwordTable, silence: Tensor) -> None:
        """Compute what a frame looks up: see the class."""
        gate = self.gated_fusion_audio_text
        self.silence = silence
        self.sounds = gate.audio_side(self.embed_code.weight).float()
        self.wordless = gate.text_side(self.null_emb).float()
        self.words = torch.empty_like(words.rows)
        pairs = zip(self.words.split(BATCH), words.rows.split(BATCH), strict=True)
        for new, rows in pairs:
            new.copy_(gate.text_side(rows))
        self.prompt = self._prompt(words)

    def _prompt(self, words: SubwordTable) -> Tensor:
        """PAD all along, and EOS at the last position; masked but for the last two."""
        positions = torch.arange(self.config.prompt_frames, device=words.rows.device)
        left = self.config.prompt_frames - 1 - positions
        text = torch.where(left == 0, self.special.eos, self.special.pad)
        return torch.where((left < 2)[:, None], words.read(text), words.masked(text)).float()

    def embed(self, codes: Tensor) -> Tensor:
        """int64 [..., codebooks] to float32 [..., width]; zero where all say *none*."""
        embedded: Tensor = self.embed_code(self.books.depth_sum(codes))
        return embedded

    def frame(self, codes: Tensor, tokens: Tensor) -> Tensor:
        """Float32 [rows, streams, width] of the ``codes`` [rows, codebooks] of the frame before
        and the ``tokens`` [rows] of this one, int64 both."""
        sound = functional.linear(self.books.depth_sum(codes), self.sounds)
        fused = [sound + functional.embedding(tokens, self.words)]
        if self.streams == 2:
            fused.append(sound + self.wordless)
        normed: Tensor = self.gated_fusion_audio_text.final_norm(torch.stack(fused, 1))
        return normed

    def whole(self, audio: Tensor) -> Tensor:
        """A voice's prompt, [streams, positions, width], of its ``audio`` [positions, width]."""
        texts = [self.prompt]
        if self.streams == 2:
            texts.append(self.null_emb.expand_as(self.prompt))
        fused: Tensor = self.gated_fusion_audio_text(audio, torch.stack(texts))
        return fused
