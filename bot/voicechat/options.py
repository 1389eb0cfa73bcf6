"""How each row is sampled: the options of many calls in tensors ``[rows]``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bot.errors import BotError

_FLOAT = torch.finfo(torch.float32)


class OptionError(BotError, ValueError):
    """``name`` was set to ``value``, and is not ``wanted``."""

    def __init__(self, *, name: str, value: object, wanted: str) -> None:
        self.name, self.value, self.wanted = name, value, wanted
        super().__init__(f"{name}: {value!r} is not {wanted}")


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """A state in the sense of ``rows``: a call's options travel with its row.

    Tensors and no numbers, so that one batch, and one captured graph, serves calls of different
    options. A fresh row is greedy.
    """

    top_p: Tensor
    """``[rows]`` float32 in (0, 1]: the mass of the nucleus."""
    temperature: Tensor
    """``[rows]`` float32 ≥ 0: logits are divided by it; 0 is greedy."""
    repetition_penalty: Tensor
    """``[rows]`` float32 > 0: divides positive, multiplies negative logits of tokens once said."""
    greedy: Tensor
    """``[rows]`` bool: whatever the others say."""

    @classmethod
    def new(cls, rows: int, *, device: torch.device | str | None = None) -> SamplingOptions:
        """Greedy in all rows."""

        def ones() -> Tensor:
            return torch.ones(rows, dtype=torch.float32, device=device)

        greedy = torch.ones(rows, dtype=torch.bool, device=device)
        return cls(top_p=ones(), temperature=ones(), repetition_penalty=ones(), greedy=greedy)

    @torch.no_grad()
    def set_row(
        self,
        row: int,
        *,
        top_p: float = 1.0,
        temperature: float = 1.0,
        repetition_penalty: float = 1.0,
        greedy: bool = False,
    ) -> None:
        """Raises ``OptionError`` and leaves the row as it was. Not for inside a step."""
        # Chains of comparisons, as for NaN all of them are false; bounds of what float32 holds.
        if not 0 < top_p <= 1:
            raise OptionError(name="top_p", value=top_p, wanted="above 0 and at most 1")
        if not 0 <= temperature <= _FLOAT.max:
            wanted = "a finite float32 of 0 or above"
            raise OptionError(name="temperature", value=temperature, wanted=wanted)
        if not _FLOAT.tiny <= repetition_penalty <= _FLOAT.max:
            wanted = "a finite float32 above 0"
            raise OptionError(name="repetition_penalty", value=repetition_penalty, wanted=wanted)
        self.top_p[row] = top_p
        self.temperature[row] = temperature
        self.repetition_penalty[row] = repetition_penalty
        self.greedy[row] = greedy

    def fixed(self) -> Tensor:
        """``[rows]`` bool: rows that draw nothing.

        Those are greedy rows, temperature 0, and, as in NeMo's streaming pipeline, rows in which
        all three options are 1.
        """
        plain = (self.top_p >= 1) & (self.temperature == 1) & (self.repetition_penalty == 1)
        return self.greedy | self.cold() | plain

    def cold(self) -> Tensor:
        """``[rows]`` bool: temperature 0, or so near that float32 loses digits of it."""
        return self.temperature < _FLOAT.tiny
