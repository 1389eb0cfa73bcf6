"""Random numbers of rows: a row's draws depend on its seed and its step, and on nothing else.

torch's generators are one stream for a whole batch: what a call draws would depend on who else is
in it. Here a draw is a hash of (seed, how many draws before): nothing but integer arithmetic, the
same on every device, and a row that is copied goes on as its original does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def _signed(word: int) -> int:
    """Of 64 bits, the number that int64 keeps them as."""
    word %= 1 << 64
    return word - (1 << 64) if word >> 63 else word


# SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
# its finaliser with the constants of Stafford's variant 13.
GAMMA = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)

UNIFORM_BITS = 24
"""Of a uniform draw: as many as float32 holds exactly, so that 1.0 never comes out."""
NORMAL_BITS = 52
"""Of a normal draw: with the half step one less than float64 has, so that it is exact."""


def derived_seed(seed: int, stream: int) -> int:
    """The seed of one more generator of the same call, its ``stream``-th.

    Two generators of one seed draw the same numbers: what chooses tokens and what makes sound
    must not share a seed.
    """
    return int(mixed(mixed(torch.tensor(_signed(seed), device="cpu")) + _signed(stream * GAMMA)))


def _shifted(words: Tensor, bits: int) -> Tensor:
    """To the right, zeros coming in: int64's own shift brings in the sign."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def mixed(words: Tensor) -> Tensor:
    """SplitMix64's finaliser of ``words`` (int64, any shape); overflow wraps, as it must."""
    words = (words ^ _shifted(words, 30)) * _FIRST
    words = (words ^ _shifted(words, 27)) * _SECOND
    return words ^ _shifted(words, 31)


@dataclass(frozen=True, slots=True)
class RowGenerators:
    """A state in the sense of ``rows``: ``copy_row`` forks a generator."""

    seed: Tensor
    """``[rows]`` int64."""
    drawn: Tensor
    """``[rows]`` int64: draws so far."""

    @classmethod
    def new(cls, rows: int, *, device: torch.device | str | None = None) -> RowGenerators:
        """Seed 0 in all rows."""
        zeros = torch.zeros(2, rows, dtype=torch.int64, device=device)
        return cls(seed=zeros[0], drawn=zeros[1])

    @torch.no_grad()
    def seed_row(self, row: int, seed: int) -> None:
        """Start over; of ``seed`` the lower 64 bits count. Not for inside a step."""
        self.seed[row] = _signed(seed)
        self.drawn[row] = 0

    @torch.no_grad()
    def draw_(self, mask: Tensor) -> Tensor:
        """``[rows]`` float32, uniform in [0, 1); only the rows of ``mask`` (bool) step on.

        The seed is mixed before it is counted up from: rows with seeds 1, 2, 3 share no numbers.
        """
        return self.uniforms_(mask, 1).squeeze(-1)

    @torch.no_grad()
    def uniforms_(self, mask: Tensor, count: int) -> Tensor:
        """``[rows, count]``: what ``count`` calls of ``draw_`` would have drawn."""
        return _uniform(self._words_(mask, count))

    @torch.no_grad()
    def normals_(self, mask: Tensor, count: int) -> Tensor:
        """``[rows, count]`` float32, standard normal, finite (8.2 at most); a draw for each.

        As ``uniforms_``; but a logarithm is in it, so that another device's may differ in the last
        digit.
        """
        return _normal(self._words_(mask, count))

    @torch.no_grad()
    def noise_(
        self, mask: Tensor, *, passes: int, components: int, latent: int
    ) -> tuple[Tensor, Tensor]:
        """What ``MixtureHead.decode`` takes for one frame: ``uniform`` and ``normal``.

        ``[rows, passes, components]`` and ``[rows, passes, latent]``, as ``uniforms_`` and
        ``normals_``, the one and the other in turn for each pass: always as many draws a frame.
        """
        words = self._words_(mask, passes * (components + latent)).unflatten(-1, (passes, -1))
        return _uniform(words[..., :components]), _normal(words[..., components:])

    def _words_(self, mask: Tensor, count: int) -> Tensor:
        """``[rows, count]`` int64, all bits random."""
        turns = torch.arange(1, count + 1, device=self.drawn.device)
        start = mixed(self.seed + GAMMA).unsqueeze(-1)
        words = mixed(start + (self.drawn.unsqueeze(-1) + turns) * GAMMA)
        self.drawn.add_(mask * count)
        return words


def _uniform(words: Tensor) -> Tensor:
    return _shifted(words, 64 - UNIFORM_BITS).float() * 2.0**-UNIFORM_BITS


def _normal(words: Tensor) -> Tensor:
    """By the inverse distribution function, in float64: half a step off 0, and as far off 1."""
    steps = _shifted(words, 64 - NORMAL_BITS).double() + 0.5
    return torch.special.ndtri(steps * 2.0**-NORMAL_BITS).float()
