"""The talker's head: from the hidden state of a frame to the codes of its sound.

A mixture of Gaussians says what all codes that are still open must add up to; a pass draws from
it and settles some more of them, the coarse ones in small steps, most of the fine ones at once.
Guidance (Ho and Salimans, "Classifier-free diffusion guidance", 2022, arXiv:2207.12598) is at the
head's input. Names and order of operations are those of NeMo 3.0.0's ``RVQEARTTSModel``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor, nn

from bot.voicechat.filling import fill
from bot.voicechat.gemma import GatedMlp, Norm
from bot.voicechat.rvq import Codebooks
from bot.voicechat.speechconfig import MixtureConfig

PREFIX = "tts_model.tts_model.mog_head."
PASSES = 8
"""NeMo's ``num_iter``; it is no key of the configuration."""
TINY = 1e-8
"""NeMo's, within both logarithms of the Gumbel: a uniform 0 has one, too."""

# As in ``sampling``: masses are cumulated as integers of this many bits, whose sums do not depend
# on their order.
_MASS_BITS = 36


def unmasked(codebooks: int, exponent: float, passes: int = PASSES) -> tuple[int, ...]:
    """How many codebooks each pass settles; 31 with exponent 3: 0, 0, 0, 1, 1, 3, 4, 22.

    Before pass i of n as many are open as a rate of i/n leaves, on the curve
    (1 - rate^exponent)^(1/exponent), rounded up; after the last none.
    """
    rates = [turn / passes for turn in range(passes)]
    still = [math.ceil(codebooks * (1 - rate**exponent) ** (1 / exponent)) for rate in rates]
    return tuple(before - after for before, after in zip(still, [*still[1:], 0], strict=True))


@cache
def schedule(codebooks: int, exponent: float, passes: int = PASSES) -> tuple[int, ...]:
    """``unmasked`` without the passes that settle nothing: they are not run, nor draw."""
    return tuple(count for count in unmasked(codebooks, exponent, passes) if count)


class Block(nn.Module):
    """An MLP between two norms, added to what goes in."""

    def __init__(self, width: int, config: MixtureConfig) -> None:
        super().__init__()
        self.pre_norm = Norm(width, eps=config.eps)
        self.mlp = GatedMlp(width, config.intermediate)
        self.post_norm = Norm(width, eps=config.eps)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.post_norm(self.mlp(self.pre_norm(x)))


class MixtureHead(nn.Module):
    """Over hidden states of width ``hidden``, for vectors of width ``latent``; always float32.

    ``exponent`` is the configuration's, of the schedule. Has no weights of use before ``load``.
    """

    def __init__(self, config: MixtureConfig, *, hidden: int, latent: int, exponent: float) -> None:
        super().__init__()
        self.config, self.latent, self.exponent = config, latent, exponent
        blocks: list[nn.Module] = [Block(hidden, config) for _ in range(config.layers)]
        self.mlp_stack = nn.Sequential(*blocks, Norm(hidden, eps=config.eps))
        self.proj_logits = nn.Linear(hidden, config.components, bias=False)
        self.proj_mus = nn.Linear(hidden, config.components * config.low_rank, bias=False)
        self.proj_logs = nn.Linear(hidden, 1, bias=False)
        self.proj_else = nn.Linear(hidden, latent, bias=False)
        self.low_mat = nn.Parameter(torch.zeros(config.components, latent, config.low_rank))
        self.requires_grad_(False)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take the tensors of ``mog_head.*``, named without it, where they lie, as float32.

        Raises ``CheckpointError`` naming a tensor that is missing, unexpected or of another shape.
        """
        fill(self, {name: one.float() for name, one in weights.items()}, prefix=PREFIX)

    @torch.no_grad()
    def decode(
        self,
        hidden: Tensor,
        *,
        embed: Callable[[Tensor], Tensor],
        books: Codebooks,
        guidance: float,
        top: float | int,
        noise: float,
        uniform: Tensor | None = None,
        normal: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The codes of one frame, in every row; nothing is remembered, so there is no mask.

        Args:
            hidden: float32 [rows, streams, hidden]: with two streams the first has the text, the
                second has not; with one there is no guidance.
            embed: the talker's ``embed_code``, [rows, latent] to [rows, hidden], without a bias.
            books: loaded.
            guidance: how much of what the text makes of the hidden state is added once more.
            top: see ``kept``.
            noise: the Gaussian's spread is multiplied by it.
            uniform: float32 [rows, passes, components] in [0, 1), for the choice of components;
                without it the likeliest is taken. ``passes`` is the length of ``schedule``.
            normal: float32 [rows, passes, latent], standard normal; without it the mean is taken.

        Returns:
            Codes, int64 [rows, codebooks], and the component of each pass, int64 [rows, passes].
            Both are in range even in a row that is not finite.

        Raises:
            ValueError: a guidance other than 0 with one stream, other streams, draws of another
                shape.
        """
        plan = schedule(books.codebooks, self.exponent)
        rows = len(hidden)
        _check_streams(hidden.shape[1], guidance)
        _check_draws("uniform", uniform, (rows, len(plan), self.config.components))
        _check_draws("normal", normal, (rows, len(plan), self.latent))
        said = hidden.new_zeros(rows, self.latent)
        codes, components, first = [], [], 0
        for turn, count in enumerate(plan):
            x = self.guided(hidden + embed(said).unsqueeze(1), guidance)
            logits = self.proj_logits(x)
            component = choose(logits, top=top, uniform=_turn(uniform, turn))
            mean, spread = self.gaussian(x, component)
            z = mean if normal is None else mean + spread * noise * normal[:, turn]
            new, added = books.quantise(z, first=first, last=first + count)
            said, first = said + added, first + count
            codes.append(new)
            components.append(component)
        return torch.cat(codes, -1), torch.stack(components, -1)

    def guided(self, x: Tensor, guidance: float) -> Tensor:
        """Of [rows, streams, hidden] what the projections read, [rows, hidden]."""
        x = self.mlp_stack(x)
        with_text = x[:, 0]
        return with_text if x.shape[1] == 1 else with_text + guidance * (with_text - x[:, 1])

    def gaussian(self, x: Tensor, component: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [rows, latent] and spread [rows, 1] of each row's ``component`` (int64 [rows]).

        ``x`` is of ``guided``. Of the means only the chosen one's weights are read.
        """
        config = self.config
        mus = self.proj_mus.weight.view(config.components, config.low_rank, -1)
        low = mus.index_select(0, component) @ x.unsqueeze(-1)
        own = (self.low_mat.index_select(0, component) @ low).squeeze(-1)
        spread = self.proj_logs(x).clamp(min=config.least_log_std).exp()
        return own * spread + self.proj_else(x), spread


def choose(logits: Tensor, *, top: float | int, uniform: Tensor | None) -> Tensor:
    """A component in every row, int64 [rows], by chance as ``logits`` [rows, components] say.

    By the Gumbel trick: the best of logit plus Gumbel noise, made of ``uniform`` (float32, of the
    same shape, in [0, 1)). Without it the likeliest.
    """
    if uniform is None:
        return logits.argmax(-1)
    gumbel = -torch.log(-torch.log(uniform + TINY) + TINY)
    return (logits.masked_fill(~kept(logits, top), -torch.inf) + gumbel).argmax(-1)


def kept(logits: Tensor, top: float | int) -> Tensor:
    """Which entries of ``logits`` [rows, components] may be chosen, bool; the best always may.

    A float is a nucleus: an entry may, if those before it have less than this mass together
    (Holtzman et al., "The curious case of neural text degeneration", 2020; transformers'
    ``TopPLogitsWarper``). Of equal entries the one with the lower index is before the other, where
    transformers leaves it open. An int is a number of entries, and those as good as the last of
    them may, too, as in transformers' ``TopKLogitsWarper``.
    """
    if isinstance(top, int):
        last = logits.topk(min(top, logits.shape[-1]), dim=-1).values[..., -1:]
        return logits >= last
    if top >= 1:
        return torch.ones_like(logits, dtype=torch.bool)
    ordered, place = logits.sort(dim=-1, descending=True, stable=True)
    mass = (ordered.softmax(-1) * 2.0**_MASS_BITS).to(torch.int64)
    before = mass.cumsum(-1) - mass
    inside = before < math.ceil(top * 2.0**_MASS_BITS)
    return torch.empty_like(inside).scatter_(-1, place, inside)


def _turn(draws: Tensor | None, turn: int) -> Tensor | None:
    return None if draws is None else draws[:, turn]


def _check_streams(streams: int, guidance: float) -> None:
    if streams not in (1, 2) or (streams == 1 and guidance):
        raise ValueError(
            f"{streams} streams and guidance {guidance}: it takes two streams, or is 0"
        )


def _check_draws(name: str, draws: Tensor | None, wanted: tuple[int, ...]) -> None:
    if draws is not None and draws.shape != wanted:
        raise ValueError(f"{name} is {[*draws.shape]}, and not {[*wanted]}")
