"""Sound to codes: the encoder of the codec, for voices that are registered and for silence.

No call needs it: the released checkpoint has the latents of its voice and the codes of silence. It
is the decoder's mirror image (see ``codec``, also on exact products) with codebooks of its choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bot.voicechat.codec import PREFIX, WrongLength
from bot.voicechat.codeclayers import ConvNeXt, Downward
from bot.voicechat.filling import fill
from bot.voicechat.rvq import Codebooks
from bot.voicechat.spectrum import Spectrum
from bot.voicechat.speechconfig import SPEECH_RATE, CodecConfig

LAYERS = "encoder.layers."
"""What ``CodecEncoder.load`` takes."""

SILENCE_S = 10
"""How much silence is encoded to learn its codes (NeMo)."""


class CodecEncoder(nn.Module):
    """Made on torch's default device, of no use before ``load``."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrum = Spectrum(config.n_fft, config.hop)
        self.layers = nn.ModuleList(_layers(config))
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take ``encoder.layers.*`` (after ``tts_model.audio_codec.``) as float32, where they are.

        Raises ``CheckpointError`` naming a tensor that is missing, unexpected or of another shape.
        """
        floats = {name: tensor.float() for name, tensor in weights.items()}
        fill(self.layers, floats, rename=lambda name: LAYERS + name, prefix=PREFIX)
        self.spectrum.reset(self.layers[0].weight.device)

    @torch.no_grad()
    def latent(self, wav: Tensor) -> Tensor:
        """float32 ``[batch, samples]`` at 22 050 Hz in [-1, 1] to float32 ``[batch, T, latent]``.

        Raises ``WrongLength`` if these are not whole frames, at least one.
        """
        samples, frame = wav.shape[-1], self.config.frame
        if samples % frame or not samples:
            wanted = f"whole frames of {frame}: cut it, or put zeros behind it"
            raise WrongLength(got=f"a recording of {samples} samples", wanted=wanted)
        x = self.spectrum.analyse(wav)
        for layer in self.layers:
            x = layer(x)
        return x

    def codes(self, wav: Tensor, books: Codebooks) -> Tensor:
        """As ``latent``, and said by ``books``, the decoder's: int64 ``[batch, T, codebooks]``.

        But for 6 samples that its last column reads of what follows, a frame is made of what has
        been: so of a recording that goes on only the last frame may have other codes.
        """
        return books.quantise(self.latent(wav))[0]


def silence_codes(encoder: CodecEncoder, books: Codebooks) -> Tensor:
    """What silence is most of the time in ten seconds of it, int64 ``[codebooks]``.

    For a checkpoint that does not have ``codec_silence_tokens``: its own are to be preferred. Not
    for inside a step. The first frames differ, for before them there was nothing.
    """
    frames = SILENCE_S * SPEECH_RATE // encoder.config.frame
    wav = encoder.spectrum.window.new_zeros(1, frames * encoder.config.frame)
    said = encoder.codes(wav, books)[0]
    ((most, _),) = Counter(map(tuple, said.tolist())).most_common(1)
    return said.new_tensor(most)


def _layers(config: CodecConfig) -> list[nn.Module]:
    """The spectrum; then blocks, and a change of rate behind them, as many as there are."""
    width = config.base * config.multipliers[0]
    layers: list[nn.Module] = [Downward(config.n_fft + 2, width)]
    wider = [config.base * times for times in config.multipliers[1:]]
    for out, rate in zip([*wider, config.latent], config.rates, strict=True):
        layers += [ConvNeXt(width, config.kernel) for _ in range(config.blocks)]
        layers.append(Downward(width, out, rate))
        width = out
    return layers
