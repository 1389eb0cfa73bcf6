"""Tokens as text, one at a time: deltas that put together are the whole.

The tokenizer's tokens are bytes, not letters: one letter may be spread over several tokens, thus
over several frames, with pads in between. Decoded frame by frame each part would show as U+FFFD;
here the bytes of an unfinished letter are held back until it is whole.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence

from tokenizers import Tokenizer

from bot.voicechat.special import SpecialTokens

WORD_START = "▁"
UNKNOWN = ("<unk>", "⁇")  # what an RNN-T makes of noise


def _alphabet() -> dict[str, int]:
    """Byte-level BPE writes each byte as one printable character: the byte by the character.

    Printable Latin-1 stands for itself, the other bytes in their order for U+0100 and following
    (Radford et al., "Language models are unsupervised multitask learners", 2019).
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in plain]
    known = {chr(byte): byte for byte in plain}
    return known | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTES = _alphabet()


class TextStream:
    """One row's text channel. BOS and EOS come as they are written, other specials not at all.

    So do those of the function channel, where the tokenizer has them as specials. ``show_pad``
    writes pads, too. What an older ASR head says for the caller's BOS and EOS is not written, be
    it a token that is text elsewhere. Host side: tokens are Python ints.
    """

    def __init__(self, tokenizer: Tokenizer, ids: SpecialTokens, *, show_pad: bool = False) -> None:
        self._tokenizer = tokenizer
        self._specials = {
            token for token, one in tokenizer.get_added_tokens_decoder().items() if one.special
        } | set(ids.greedy_only)
        written = {ids.bos, ids.eos, ids.call_start, ids.call_end, ids.response_end}
        self._ends = written.union(ids.caller_begins, ids.caller_ends)
        self._shown = written | ({ids.pad} if show_pad else set())
        self._held = b""

    def push(self, token: int) -> str:
        """What ``token`` adds: nothing, while a letter is unfinished; leading spaces stay.

        A pad is no end of a letter. A token that ends a turn is: what is held back then can
        become no letter any more and comes as U+FFFD, as do bytes that never could.
        """
        if token in self._specials:
            before = self.flush() if token in self._ends else ""
            return before + (self._written(token) if token in self._shown else "")
        self._held += self._bytes(token)
        text, used = codecs.utf_8_decode(self._held, "replace", False)
        self._held = self._held[used:]
        return text

    def flush(self) -> str:
        """What is still held back, at the end of the call: U+FFFD or nothing."""
        text, self._held = self._held.decode("utf-8", "replace"), b""
        return text

    def _written(self, token: int) -> str:
        return str(self._tokenizer.id_to_token(token) or "")

    def _bytes(self, token: int) -> bytes:
        """A token beyond the tokenizer has none: a model's vocabulary may be padded."""
        written = self._written(token)
        if all(letter in _BYTES for letter in written):
            return bytes(_BYTES[letter] for letter in written)
        return written.encode()  # added, and no special


def decoded(tokens: Iterable[int], tokenizer: Tokenizer, ids: SpecialTokens) -> str:
    """All of ``tokens`` at once, as a ``TextStream`` has them."""
    stream = TextStream(tokenizer, ids)
    return "".join([*(stream.push(token) for token in tokens), stream.flush()])


def joined(pieces: Sequence[str]) -> str:
    """Pieces of the RNN-T (SentencePiece) as text: ``▁`` is a space, unknown pieces are nothing.

    The leading space stays, so that deltas put together are the whole.
    """
    known = (piece for piece in pieces if piece.lstrip(WORD_START) not in UNKNOWN)
    return "".join(known).replace(WORD_START, " ")
