"""The agent's next token, for many rows with different options at once.

The order of things is that of NeMo's streaming pipeline (``top_p``, ``temperature`` and
``repetition_penalty`` of its ``s2s_streaming.yaml``); there they are numbers of one stream.

What a row has said is a mask ``[rows, vocabulary]``, not a history. The penalty asks only whether
a token was said: a mask is updated in place by one write per row and frame, has a fixed size
(128 KiB per row of the public checkpoint, however long the call) and is read as it is, where a
history would be scattered into such a mask anew in every frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from bot.voicechat.draws import UNIFORM_BITS, RowGenerators
from bot.voicechat.duplex import DuplexState
from bot.voicechat.options import OptionError, SamplingOptions
from bot.voicechat.special import among

__all__ = [
    "OptionError",
    "RowGenerators",
    "Sampled",
    "Sampler",
    "SamplingOptions",
    "remember_",
    "sample",
]

# Probabilities are cumulated as integers of this many bits: sums of integers do not depend on
# their order, so that the token is the same whatever kernel sums, and CUDA has no deterministic
# cumulative sum of floats. Times a uniform of 24 bits it stays within int64. What is rounded to
# nothing, below 2**-36 a token, is 2e-6 of the mass of 131072 tokens at most.
_MASS_BITS = 36
_ALL = torch.iinfo(torch.int64).max


@dataclass(frozen=True, slots=True)
class Sampled:
    """``tokens`` ``[rows]`` int64; ``broken`` ``[rows]`` bool: its logits were not all finite."""

    tokens: Tensor
    broken: Tensor


@dataclass(frozen=True, slots=True)
class Sampler:
    """A ``Chooser`` of ``duplex``, and all that it remembers: a state in the sense of ``rows``.

    What a row has said is read from the histories one frame late, when turn-taking and tool calls
    have had their say.
    """

    options: SamplingOptions
    generators: RowGenerators
    seen: Tensor
    """``[rows, vocabulary]`` bool."""
    broken: Tensor
    """``[rows]`` bool: a frame's logits were not all finite, ever. The host may read and warn."""
    specials: tuple[int, ...]

    @classmethod
    def new(
        cls,
        rows: int,
        *,
        vocabulary: int,
        specials: Iterable[int],
        device: torch.device | str | None = None,
    ) -> Sampler:
        """Greedy in all rows."""
        return cls(
            options=SamplingOptions.new(rows, device=device),
            generators=RowGenerators.new(rows, device=device),
            seen=torch.zeros(rows, vocabulary, dtype=torch.bool, device=device),
            broken=torch.zeros(rows, dtype=torch.bool, device=device),
            specials=tuple(specials),
        )

    @torch.no_grad()
    def __call__(self, logits: Tensor, *, state: DuplexState, t: Tensor, mask: Tensor) -> Tensor:
        """``[rows]`` int64: see ``Chooser``."""
        before = state.text.gather(1, (t - 1).clamp(min=0).unsqueeze(-1)).squeeze(-1)
        remember_(self.seen, before, mask=mask, specials=self.specials)
        sampled = sample(
            logits,
            seen=self.seen,
            options=self.options,
            uniform=self.generators.draw_(mask),
            specials=self.specials,
        )
        self.broken.logical_or_(sampled.broken & mask)
        return sampled.tokens


@torch.no_grad()
def sample(
    logits: Tensor,
    *,
    seen: Tensor,
    options: SamplingOptions,
    uniform: Tensor,
    specials: Iterable[int],
) -> Sampled:
    """Choose a token in every row; fixed shapes, no loop over rows, nothing read back.

    ``logits`` ``[rows, vocabulary]`` of any float type, boosts applied; ``seen`` of that shape,
    bool, kept by ``remember_``; ``uniform`` ``[rows]`` in [0, 1), of ``RowGenerators``. Where the
    best token is one of ``specials`` (``SpecialTokens.greedy_only``) it is taken: turns never begin
    or end by lot, though the nucleus may still hold a special that is second best. A row with NaN
    or infinity in it takes the best of its numbers and says so in ``broken``.
    """
    logits = logits.float()
    best = torch.where(logits.isnan(), -torch.inf, logits).argmax(-1)
    logits = _penalised(logits, seen=seen, penalty=options.repetition_penalty)
    finite = logits.isfinite().all(-1)
    taken = options.fixed() | ~finite | among(best, specials)
    logits = torch.where(finite.unsqueeze(-1), logits, 0.0)
    drawn = _nucleus_draw(logits, options=options, uniform=uniform)
    return Sampled(tokens=torch.where(taken, best, drawn), broken=~finite)


@torch.no_grad()
def remember_(seen: Tensor, tokens: Tensor, *, mask: Tensor, specials: Iterable[int]) -> None:
    """Note in ``seen`` what the rows of ``mask`` have said, specials apart.

    ``tokens`` ``[rows]`` int64 are those that the row goes on with, after turn-taking. Specials
    are never noted, thus never penalised: an agent may fall silent as often as it likes.
    """
    said = tokens.unsqueeze(-1)
    noted = (mask & ~among(tokens, specials)).unsqueeze(-1)
    seen.scatter_(-1, said, seen.gather(-1, said) | noted)


def _penalised(logits: Tensor, *, seen: Tensor, penalty: Tensor) -> Tensor:
    """Keskar et al., "CTRL", 2019, with its sign corrected: a penalty > 1 always lowers."""
    penalty = penalty.unsqueeze(-1)
    lowered = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(seen, lowered, logits)


def _nucleus_draw(logits: Tensor, *, options: SamplingOptions, uniform: Tensor) -> Tensor:
    """Of finite ``logits``: by inverse distribution function over the nucleus, best token first.

    A token is out when what comes before it has more mass than ``top_p``; the best one never is
    (Holtzman et al., "The curious case of neural text degeneration", 2020).
    """
    temperature = torch.where(options.cold(), 1.0, options.temperature).unsqueeze(-1)
    # The best one becomes 0 first: however small the temperature, nothing overflows upwards.
    scaled = (logits - logits.amax(-1, keepdim=True)) / temperature
    ordered, token = scaled.sort(dim=-1, descending=True, stable=True)
    mass = (ordered.softmax(-1) * 2.0**_MASS_BITS).to(torch.int64)
    upto = mass.cumsum(-1)
    limit = (options.top_p * 2.0**_MASS_BITS).to(torch.int64)
    limit = torch.where(options.top_p >= 1, _ALL, limit).unsqueeze(-1)
    total = torch.where(upto - mass <= limit, upto, 0).amax(-1, keepdim=True)
    ticket = (uniform * 2.0**UNIFORM_BITS).to(torch.int64).clamp(0, (1 << UNIFORM_BITS) - 1)
    target = (ticket.unsqueeze(-1) * total) >> UNIFORM_BITS
    place = (upto <= target).sum(-1, keepdim=True)
    return token.gather(-1, place).squeeze(-1)
