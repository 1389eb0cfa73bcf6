"""The text tokenizer of a checkpoint, and that it is the right one.

Agent text and function calls share its ids. Id 12 means a frame without a token; in the tokenizer
of the released 11B (Nemotron Nano 9B v2) it is also what ends a generated text, so nothing here or
elsewhere may stop at the tokenizer's own end-of-sequence id.
"""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from bot.voicechat.config import ThinkerConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.special import SpecialTokens

FILE = "tokenizer.json"


def load_tokenizer(folder: Path, thinker: ThinkerConfig, *, vocabulary: int) -> Tokenizer:
    """Read ``tokenizer.json``; ``vocabulary`` counts rows of the embedding tables.

    Raises ``CheckpointError`` if it is not the tokenizer that the weights were trained with.
    """
    file = folder / FILE
    if not file.is_file():
        raise CheckpointError(where=str(file), what="no such file")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception
        why = " ".join(str(error).split())
        raise CheckpointError(where=str(file), what=f"no tokenizer: {why}") from error
    special_tokens(tokenizer, thinker, where=str(file))
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    if highest >= vocabulary:
        what = f"the wrong tokenizer: id {highest}, but the model has {vocabulary} tokens"
        raise CheckpointError(where=str(file), what=what)
    return tokenizer


def special_tokens(
    tokenizer: Tokenizer, thinker: ThinkerConfig, *, where: str = FILE
) -> SpecialTokens:
    """Ids of what ``config.json`` names, the older checkpoints' turn tokens among them.

    Raises ``CheckpointError`` naming ``where`` and the token that has another id, or none.
    """
    for text, token in _fixed(thinker).items():
        found = tokenizer.token_to_id(text)
        if found != token:
            what = f"{text} must be id {token}, and is {'none' if found is None else found}"
            raise CheckpointError(where=where, what=f"the wrong tokenizer: {what}")
    return SpecialTokens(
        user_bos=_named(tokenizer, thinker.user_bos, where=where, key="user_bos_token"),
        user_eos=_named(tokenizer, thinker.user_eos, where=where, key="user_eos_token"),
    )


def _named(tokenizer: Tokenizer, text: str | None, *, where: str, key: str) -> int | None:
    if text is None:
        return None
    token: int | None = tokenizer.token_to_id(text)
    if token is None:
        raise CheckpointError(where=where, what=f"no token {text!r}, the {key} of config.json")
    return token


def _fixed(thinker: ThinkerConfig) -> dict[str, int]:
    """Text to id; the last three only where there is a head that says them."""
    ids = SpecialTokens()
    found = {thinker.bos: ids.bos, thinker.eos: ids.eos, thinker.pad: ids.pad}
    if thinker.function_head:
        found |= {f"<SPECIAL_{n}>": n for n in (ids.call_start, ids.call_end, ids.response_end)}
    return found
