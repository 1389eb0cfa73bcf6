"""Codes to sound: the decoder of the codec, whole and as a stream of rows.

A frame is a code of each codebook and becomes 80 ms at 22 050 Hz, 1764 samples. This is the decoder
of NeMo 3.0.0's ``RVQVAEModel``: the codes' entries are added up (residual vector quantisation,
arXiv:2107.03312), spread in time by three changes of rate with ConvNeXt blocks between them, and
read as magnitudes and phases of a short-time spectrum.

It is float32 whatever surrounds it, and its products must be exact ones: NeMo turns TF32 off for
it, and in bfloat16 sound falls apart. torch's switches belong to the process, so that no step may
touch them. Who runs or captures a step where TF32 is allowed does so with::

    with precision(**exact(profile.switches)):
        pcm = decoder.step(state, codes, mask)

A CUDA graph keeps what held while this was captured. ``Codebooks`` need no such care.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bot.errors import BotError
from bot.voicechat.codeclayers import ConvNeXt, Downward, Upward
from bot.voicechat.errors import CheckpointError
from bot.voicechat.filling import fill
from bot.voicechat.rows import keep_, tensors
from bot.voicechat.rvq import Codebooks
from bot.voicechat.spectrum import Spectrum
from bot.voicechat.speechconfig import CodecConfig

PREFIX = "tts_model.audio_codec."
"""Of all the codec's tensors, as NeMo names them."""

BOOKS, LAYERS = "prvq.mus_list.", "decoder.layers."
"""What ``CodecDecoder.load`` takes."""


class WrongLength(BotError):
    """The codec was given ``got`` of something where it takes ``wanted``."""

    def __init__(self, *, got: str, wanted: str) -> None:
        self.got, self.wanted = got, wanted
        super().__init__(f"codec: {got}; it takes {wanted}")


@dataclass(frozen=True, slots=True)
class CodecState:
    """What the decoder remembers of each row, all float32; zeros before the first frame."""

    pasts: tuple[Tensor, ...]
    """Of each block ``[rows, kernel - 1, channels]``, the last inputs of its convolution."""
    tail: Tensor
    """``[rows, samples]``, what is not said yet of the columns so far."""


class CodecDecoder(nn.Module):
    """Made on torch's default device, of no use before ``load``."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.books = Codebooks(config)
        self.spectrum = Spectrum(config.n_fft, config.hop)
        self.layers = nn.ModuleList(_layers(config))
        self.past = _past(config, self.spectrum.reach)
        """How many frames before one are heard in it: 3 of the released codec's."""
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take ``prvq.mus_list.*`` and ``decoder.layers.*``, as float32, on the device they are on.

        Names are those after ``tts_model.audio_codec.``. Raises ``CheckpointError`` naming a tensor
        that is missing, unexpected or of another shape.
        """
        names = [f"{BOOKS}{level}" for level in range(self.config.codebooks)]
        books = [_book(weights, name, self.config) for name in names]
        self.books.load(torch.stack(books), name=PREFIX + BOOKS)
        self.spectrum.reset(books[0].device)
        rest = {name: one.float() for name, one in weights.items() if name not in names}
        fill(self.layers, rest, rename=lambda name: LAYERS + name, prefix=PREFIX)

    @torch.no_grad()
    def whole(self, codes: Tensor, *, clamp: bool = True) -> Tensor:
        """All of a recording: int64 ``[batch, T, codebooks]`` to float32 ``[batch, T * frame]``.

        ``clamp`` is as in ``Spectrum.sounds``: without it the result is only to be compared.
        """
        return self.spectrum.whole(self._sounds(codes, clamp=clamp))

    @torch.no_grad()
    def windowed(self, codes: Tensor) -> Tensor:
        """What ``step`` says of the last frames, without a state, from the frames before them.

        Args:
            codes: int64 ``[rows, past + T, codebooks]``; where a call has fewer frames, codes of
                silence are before them.

        Returns:
            float32 ``[rows, T * frame]``: the last T frames, as late as a stream is, so that these
            pieces have no seam. Up to rounding they are a stream's own from its frame ``past`` on.

        Raises ``WrongLength`` if there is nothing but past.
        """
        if codes.shape[1] <= self.past:
            raise WrongLength(
                got=f"{codes.shape[1]} frames in a window",
                wanted=f"{self.past} of the past and at least a new one",
            )
        everyone = torch.ones_like(codes[:, 0, 0], dtype=torch.bool)
        tail = self.spectrum.new_tail(len(codes))
        pcm = self.spectrum.step(tail, self._sounds(codes), everyone)
        return pcm[:, self.past * self.config.frame :]

    @torch.no_grad()
    def new_state(self, rows: int) -> CodecState:
        """Rows before their first frame."""
        blocks = (layer for layer in self.layers if isinstance(layer, ConvNeXt))
        pasts = tuple(block.new_cache(rows) for block in blocks)
        return CodecState(pasts=pasts, tail=self.spectrum.new_tail(rows))

    @torch.no_grad()
    def step(self, state: CodecState, codes: Tensor, mask: Tensor) -> Tensor:
        """The next frames of the rows of ``mask``.

        T frames are T steps of one: so the sound has the same bits, however it is cut, and there is
        one shape to capture. (A product of more rows of a matrix is summed in another order.)

        Args:
            state: advanced in those rows; of all others not a bit changes.
            codes: int64 ``[rows, T, codebooks]``, each 0 to ``entries`` (none); anything at all in
                rows out of the mask.
            mask: bool ``[rows]``.

        Returns:
            float32 ``[rows, T * frame]`` in [-1, 1], 8 samples (0.36 ms) behind ``whole``, as
            NeMo's cached decoding is; 0 in rows out of the mask.
        """
        codes = torch.where(mask[:, None, None], codes, 0)
        pcm = [self._frame(state, frame, mask) for frame in codes.split(1, dim=1)]
        return torch.where(mask[:, None], torch.cat(pcm, 1), 0.0)

    @torch.no_grad()
    def flush(self, state: CodecState, mask: Tensor) -> Tensor:
        """The last 8 samples of the rows of ``mask``, float32 ``[rows, 8]``; 0 in other rows.

        These rows are fresh then. NeMo's ``flush=True`` says the same samples.
        """
        last = torch.where(mask[:, None], self.spectrum.last(state.tail), 0.0)
        for tensor in tensors(state):
            keep_(tensor, torch.zeros_like(tensor), mask)
        return last

    def _frame(self, state: CodecState, codes: Tensor, mask: Tensor) -> Tensor:
        x, pasts = self.books.depth_sum(codes), iter(state.pasts)
        for layer in self.layers:
            x = layer.step(next(pasts), x, mask) if isinstance(layer, ConvNeXt) else layer(x)
        return self.spectrum.step(state.tail, self.spectrum.sounds(x), mask)

    def _sounds(self, codes: Tensor, *, clamp: bool = True) -> Tensor:
        x = self.books.depth_sum(codes)
        for layer in self.layers:
            x = layer(x)
        return self.spectrum.sounds(x, clamp=clamp)


def muted(codes: Tensor, silence: Tensor, mute: Tensor) -> Tensor:
    """``codes`` (int64 ``[rows, T, codebooks]``) with ``silence`` (``[codebooks]``) where ``mute``.

    ``mute`` is bool ``[rows]``. This is where a host mutes a row: what the talker remembers of
    itself stays what it has said, and the decoder goes from speech to silence without a click.
    """
    return torch.where(mute[:, None, None], silence, codes)


def exact(switches: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of ``precision`` like ``switches``, but with exact float32 products."""
    return {**switches, "matmul": "highest", "allow_tf32": False}


def _layers(config: CodecConfig) -> list[nn.Module]:
    """As many changes of rate as there are, each with blocks behind it; then the spectrum."""
    width, layers = config.latent, list[nn.Module]()
    for times, rate in zip(reversed(config.multipliers), reversed(config.rates), strict=True):
        layers.append(Upward(width, config.base * times, rate))
        width = config.base * times
        layers += [ConvNeXt(width, config.kernel) for _ in range(config.blocks)]
    return [*layers, Downward(width, config.n_fft + 2)]


def _past(config: CodecConfig, reach: int) -> int:
    """Frames before one that its first sample hears, ``reach`` columns back: layer by layer."""
    column = -reach
    for rate in config.rates:
        column = (column - config.blocks * (config.kernel - 1)) // rate
    return -column


def _book(weights: Mapping[str, Tensor], name: str, config: CodecConfig) -> Tensor:
    if name not in weights:
        raise CheckpointError(where=PREFIX + name, what="missing")
    book, wanted = weights[name], [config.entries, config.latent]
    if [*book.shape] != wanted:
        what = f"of shape {[*book.shape]}, where the configuration wants {wanted}"
        raise CheckpointError(where=PREFIX + name, what=what)
    return book
