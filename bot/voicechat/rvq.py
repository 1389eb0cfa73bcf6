"""Residual vector quantisation: a frame of speech as one entry of each of so many codebooks.

Each codebook says what the ones before it have left (Zeghidour et al., "SoundStream", 2021,
arXiv:2107.03312); a frame is the sum of its entries. In NeMo 3.0.0 the codebooks are those of
``RVQVAEModel``, of which ``RVQEARTTSModel`` keeps a copy.

All sums and products here are float64, whatever goes in and comes out. Which entry is nearest
hangs on the last digits where two are about as near, and another entry changes all that follow. In
float64 the choice depends neither on how many rows are searched at once nor on the kernel that does
it, and no switch for TF32 reaches it. The price is twice the memory (130 MB for the public codec's
31 codebooks) and 16 million products in float64 for each row and frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.voicechat.errors import CheckpointError
from bot.voicechat.speechconfig import CodecConfig


class Codebooks(nn.Module):
    """``codebooks`` of ``entries`` vectors of width ``latent``; of no use before ``load``.

    Nothing of it is in a ``state_dict``: the module that has it calls ``load`` before it fills
    itself. ``entries`` itself is a code, too, the zero vector: *none*, as in NeMo.
    """

    table: Tensor
    """float64 [codebooks, entries + 1, latent]; the last entry of each is zero."""
    norms: Tensor
    """float64 [codebooks, entries]: squared lengths."""
    starts: Tensor
    """int64 [codebooks]: where each begins in the flat table."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.codebooks, self.entries, self.latent = config.codebooks, config.entries, config.latent
        shape = (self.codebooks, self.entries + 1, self.latent)
        table = torch.empty(shape, dtype=torch.float64)
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("norms", table[:, :-1, 0], persistent=False)
        starts = torch.empty(self.codebooks, dtype=torch.int64)
        self.register_buffer("starts", starts, persistent=False)

    @torch.no_grad()
    def load(self, books: Tensor, *, name: str = "rvq_embs") -> None:
        """Take ``books`` [codebooks, entries, latent] of any float type, on the device they are on.

        Raises ``CheckpointError`` that says ``name`` if they are of another shape.
        """
        wanted = [self.codebooks, self.entries, self.latent]
        if [*books.shape] != wanted:
            what = f"of shape {[*books.shape]}, where the configuration wants {wanted}"
            raise CheckpointError(where=name, what=what)
        books = books.double()
        self.table = functional.pad(books, (0, 0, 0, 1))
        self.norms = books.square().sum(-1)
        self.starts = torch.arange(self.codebooks, device=books.device) * (self.entries + 1)

    @torch.no_grad()
    def depth_sum(self, codes: Tensor) -> Tensor:
        """What ``codes`` (int64 [..., codebooks], each 0 to ``entries``) add up to.

        float32 [..., latent]; a code that is ``entries`` adds nothing.
        """
        return self._sum(codes, first=0)

    @torch.no_grad()
    def quantise(
        self, z: Tensor, *, first: int = 0, last: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Say ``z`` (float [..., latent]) by the codebooks from ``first`` on, ``last`` excluded.

        Greedy: each takes the entry nearest to what is left, the lower one of two as near, and
        leaves the rest to the next. ``z`` is what these codebooks are to add up to, without what
        those before ``first`` have said. The loop is over codebooks, never over rows.

        Returns:
            The codes, int64 [..., last - first], in 0 to ``entries`` - 1 even where ``z`` is not
            finite; and what they add up to, float32 [..., latent].
        """
        last = self.codebooks if last is None else last
        rest, codes = z.reshape(-1, self.latent).double(), list[Tensor]()
        for book, norms in zip(self.table[first:last], self.norms[first:last], strict=True):
            # |r - c|² without |r|², which is the same for all entries.
            code = torch.addmm(norms, rest, book[:-1].T, alpha=-2).argmin(-1)
            rest = rest - book.index_select(0, code)
            codes.append(code)
        chosen = torch.stack(codes, -1)
        added = self._sum(chosen, first=first)
        return chosen.view(*z.shape[:-1], last - first), added.view(z.shape)

    def _sum(self, codes: Tensor, *, first: int) -> Tensor:
        starts = self.starts[first : first + codes.shape[-1]]
        return functional.embedding(codes + starts, self.table.flatten(0, 1)).sum(-2).float()
