"""Token ids that mean something to the frame loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Ids of the Nemotron-Nano-v2 tokenizer, which the public checkpoint uses.

    ``pad`` (``<SPECIAL_12>``) is a frame without a token. It is also that tokenizer's own
    end-of-sequence id: a decoder that stops at it stops at the first silent frame. The last three
    are of the function channel: a tool call starts and ends, and its response has ended.
    """

    pad: int = 12
    bos: int = 1
    eos: int = 2
    call_start: int = 20
    call_end: int = 21
    response_end: int = 22
