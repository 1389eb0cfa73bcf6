"""Log-mel spectrum, of whole recordings and of rows as their sound arrives.

The front end of NVIDIA's streaming FastConformer as NeMo computes it at inference: pre-emphasis,
zero-padded centred STFT, power, the checkpoint's own mel filters and window, natural logarithm; no
dither, no normalisation. Column ``c`` is centred on sample ``160 c``. ``N`` samples have
``N // 160 + 1`` columns, of which the last is no sound but the mask value 0.0.

Frame ``k`` of a stream is made of columns ``8 k - 7 … 8 k``. Column ``8 k`` reads no further than
sample ``1280 k + 198``, for the window is 400 wide and ends in a zero: so the packet of frame ``k``
holds samples ``1280 (k - 1) + 199 … 1280 k + 198``, and a frame runs 67.5 ms before 80 ms more
would be in. The packet of frame 0 is 1081 zeros from before the call and then samples 0 … 198.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.config import MelConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.rows import keep_

HOP, WINDOW = 160, 400
COLUMNS = 8
"""Mel columns per frame of 80 ms, and their subsampling in the encoder."""

FRAME = COLUMNS * HOP
LEAD = WINDOW // 2 - 1
"""Samples past ``1280 k`` that frame ``k`` reads: 199."""

LEAST = 2.0**-24  # NeMo's log_zero_guard_value


@dataclass(frozen=True, slots=True)
class MelState:
    """The sound a row still needs, and where in its call it is."""

    tail: Tensor
    """float32 ``[rows, samples]``, pre-emphasised."""
    last: Tensor
    """float32 ``[rows, 1]``, the last raw sample."""
    frames: Tensor
    """int64 ``[rows]``, done so far."""
    samples: Tensor
    """int64 ``[rows]``, real ones so far; negative before the call."""


class LogMel(nn.Module):
    """Sound to log-mel columns, always in float32."""

    def __init__(self, config: MelConfig) -> None:
        """Raises ``CheckpointError`` if the columns are not 10 ms apart or the window not 25 ms."""
        super().__init__()
        if (config.hop, config.window) != (HOP, WINDOW):
            raise CheckpointError(
                where="config.json: preprocessor.window_stride, window_size",
                what=f"{config.hop} and {config.window} samples, only {HOP} and {WINDOW} can run",
            )
        self.config = config
        self.register_buffer("fb", torch.empty(1, config.bins, config.n_fft // 2 + 1))
        self.register_buffer("window", torch.empty(config.window))

    @torch.no_grad()
    def whole(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Columns of whole recordings.

        Args:
            wav: float32 ``[batch, samples]`` in [-1, 1] at 16 kHz.
            lengths: int64 ``[batch]``, samples of each that are sound.

        Returns:
            float32 ``[batch, bins, columns]``, 0.0 past what is valid, and int64 ``[batch]``, the
            valid columns: one per 10 ms. ``pad_to`` of the config rounds the columns up.
        """
        sound = wav - self.config.preemphasis * functional.pad(wav, (1, 0))[:, :-1]
        time = torch.arange(wav.shape[1], device=wav.device)
        sound = torch.where(time < lengths[:, None], sound, 0.0)
        half = self.config.n_fft // 2
        mel = self._columns(functional.pad(sound, (half, half)))
        if self.config.pad_to:
            mel = functional.pad(mel, (0, -mel.shape[-1] % self.config.pad_to))
        valid = lengths // HOP
        column = torch.arange(mel.shape[-1], device=wav.device)
        return torch.where((column < valid[:, None])[:, None], mel, 0.0), valid

    def new_state(self, rows: int) -> MelState:
        """Rows before their call."""
        zeros = self.window.new_zeros
        return MelState(
            tail=zeros(rows, self.config.n_fft // 2 - HOP + LEAD),
            last=zeros(rows, 1),
            frames=zeros(rows, dtype=torch.int64),
            samples=zeros(rows, dtype=torch.int64) + (LEAD - FRAME),
        )

    @torch.no_grad()
    def step(
        self, state: MelState, pcm: Tensor, mask: Tensor, samples: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The next eight columns of each row.

        Args:
            state: advanced in the rows of ``mask``.
            pcm: float32 ``[rows, 1280]``, the packet of the frame (see above).
            mask: bool ``[rows]``.
            samples: int64 ``[rows]``, how many of the 1280 came before the input's end (zeros from
                before the call count); all, if not given. Once less than 1280, then 0.

        Returns:
            float32 ``[rows, bins, 8]``, 0.0 before the call and past its end, and int64 ``[rows]``,
            the valid columns of the call so far.
        """
        sound = pcm - self.config.preemphasis * torch.cat([state.last, pcm[:, :-1]], 1)
        if samples is None:
            samples = torch.full_like(state.samples, FRAME)
        else:  # past the end there are zeros after pre-emphasis, not before it
            time = torch.arange(FRAME, device=pcm.device)
            sound = torch.where(time < samples[:, None], sound, 0.0)
        sound = torch.cat([state.tail, sound], 1)
        # The rest of the last FFT frame lies in the future, where the window is zero.
        mel = self._columns(functional.pad(sound, (0, self.config.n_fft // 2 - LEAD)))
        valid = ((state.samples + samples) // HOP).clamp(min=0)
        column = torch.arange(1 - COLUMNS, 1, device=pcm.device) + COLUMNS * state.frames[:, None]
        heard = (column >= 0) & (column < valid[:, None])
        keep_(state.tail, sound[:, FRAME:], mask)
        keep_(state.last, pcm[:, -1:], mask)
        keep_(state.frames, state.frames + 1, mask)
        keep_(state.samples, state.samples + samples, mask)
        return torch.where(heard[:, None], mel, 0.0), valid

    def _columns(self, sound: Tensor) -> Tensor:
        """Pre-emphasised float32 ``[batch, samples]`` to columns, nothing padded."""
        n_fft, window = self.config.n_fft, self.config.window
        spectrum = torch.stft(
            sound, n_fft, HOP, window, self.window, center=False, return_complex=True
        )
        return torch.log(self.fb @ spectrum.abs().pow(2) + LEAST)


def frames_of(samples: int) -> int:
    """Frames that an input of so many samples has in the whole-file encoder, and so in a stream.

    ``F`` full frames have ``F + 1``: frame ``k`` is centred on sample ``1280 k``. Past that the
    causal subsampling counts another as soon as two further columns are there.
    """
    count = samples // HOP
    for _ in range(3):
        count = count // 2 + 1
    return count


def packets(wav: Tensor) -> tuple[Tensor, Tensor]:
    """A whole input as the packets of its frames, the flushed ones at its end included.

    Args:
        wav: float32 ``[samples]`` at 16 kHz.

    Returns:
        float32 ``[frames, 1280]`` and int64 ``[frames]``, how many of the 1280 precede the end.
    """
    frames, before = frames_of(wav.shape[0]), FRAME - LEAD
    sound = functional.pad(wav, (before, max(0, frames * FRAME - before - wav.shape[0])))
    starts = FRAME * torch.arange(frames, device=wav.device)
    samples = (before + wav.shape[0] - starts).clamp(0, FRAME)
    return sound[: frames * FRAME].view(frames, FRAME), samples
