"""What the talker reads of a text token: one row for each, baked once and kept beside the weights.

A row is the mean of what the spelling encoder makes of the token's letters, and two flags: does the
token go on with a word, and does it begin or end a turn. It depends on nothing but the token, so a
step looks it up. NeMo 3.0.0 (``RVQEARTTSModel``) encodes letters in every step instead.

Letters are the characters of the tokenizer's raw strings (``Ġthe``, and not " the"), special tokens
included; what is no letter of this vocabulary is left out.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import embedding

from bot.voicechat.errors import CheckpointError
from bot.voicechat.precision import PARITY, precision
from bot.voicechat.source import Tell
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speechlayout import LETTERS
from bot.voicechat.spelling import PADDING, PREFIX, SpellingEncoder
from bot.voicechat.tokenizer import FILE

logger = logging.getLogger(__name__)

Vocabulary: TypeAlias = Mapping[str, int]
"""Raw string to id."""

BEGINS_WORD = ("Ġ", "▁", "<")
"""How a token begins that does not go on with a word."""

BATCH = 8192
"""Letters, padding included: at the released sizes the widest tensors are of 151 MB then."""

FORMAT = "1"
"""Of what is kept; another one whenever the same weights would make other rows."""


@dataclass(frozen=True, slots=True)
class SubwordTable:
    """Rows by token id; float32, on the device of the weights."""

    rows: Tensor  # [vocabulary, hidden], letters and flags
    flags: Tensor  # [6, hidden], the sums of both flags
    kinds: Tensor  # int64 [vocabulary], which of those is a token's

    def read(self, tokens: Tensor) -> Tensor:
        """``[..., hidden]`` of ids ``[...]``."""
        return embedding(tokens, self.rows)

    def masked(self, tokens: Tensor) -> Tensor:
        """The same where the text is masked, as in most of a voice's prompt: the flags alone."""
        return embedding(self.kinds[tokens], self.flags)


def table_of(
    encoder: SpellingEncoder,
    tokenizer: Tokenizer,
    ids: SpecialTokens,
    *,
    folders: Sequence[Path],
    where: str = FILE,
    tell: Tell | None = None,
) -> SubwordTable:
    """What ``bake`` says, from a file if one of ``folders`` has it.

    The file's name has a hash of all that the table is made of, so it is never out of date; what is
    in the file has another, so it is never damaged. If there is none it goes into the first folder
    that takes it, made if need be. That none does is no error.
    """
    key = digest(encoder, tokenizer.get_vocab(with_added_tokens=True), ids)
    name = f"subwords-{key[:16]}.safetensors"
    for folder in folders:
        table = _read(folder / name, encoder, key)
        if table is not None:
            return table
    table = bake(encoder, tokenizer, ids, where=where, tell=tell)
    if not any(_keep(table, folder / name, key) for folder in folders):
        logger.info("no folder takes %s, so the next start makes it again", name)
    return table


@torch.no_grad()
def bake(
    encoder: SpellingEncoder,
    tokenizer: Tokenizer,
    ids: SpecialTokens,
    *,
    batch: int = BATCH,
    where: str = FILE,
    tell: Tell | None = None,
) -> SubwordTable:
    """Encode every token, on the device of the weights, in exact float32 whatever torch is set to.

    ``batch`` counts letters, padding included; ``tell`` hears after each batch what share of all
    letters is done. Ids that no token has get the flags alone: a vocabulary may be padded.
    Raises ``CheckpointError`` for flags that are not those of the tokenizer, whose file is
    ``where``, and as ``letters`` does.
    """
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    spelt = letters(vocabulary, where=where)
    check_flags(encoder, vocabulary, ids, where=where)
    table = _flags_alone(encoder)
    total, done = sum(map(len, spelt.values())), 0
    with precision(**PARITY.switches):
        for tokens in _batches(spelt, batch):
            longest = len(spelt[tokens[-1]])
            padded = [spelt[one] + (PADDING,) * (longest - len(spelt[one])) for one in tokens]
            device = table.rows.device
            encoded = encoder(torch.tensor(padded, device=device))
            table.rows[torch.tensor(tokens, device=device)] += encoded
            done += sum(len(spelt[one]) for one in tokens)
            if tell is not None:
                tell(done / total)
    return table


def letters(vocabulary: Vocabulary, *, where: str = FILE) -> dict[int, tuple[int, ...]]:
    """Letters by token id: single characters of the vocabulary, numbered by their tokens' ids.

    Raises ``CheckpointError`` naming ``where`` unless there are 256 of them and every token keeps
    one.
    """
    single = sorted((text for text in vocabulary if len(text) == 1), key=vocabulary.__getitem__)
    if len(single) != LETTERS:
        what = f"{len(single)} tokens of one character, and not the {LETTERS} of a byte-level BPE"
        raise CheckpointError(where=where, what=what)
    number = {text: index for index, text in enumerate(single)}
    spelt = {}
    for text, token in vocabulary.items():
        spelt[token] = tuple(number[one] for one in text if one in number)
        if not spelt[token]:
            what = f"token {token} ({text!r}) has none of the {LETTERS} letters"
            raise CheckpointError(where=where, what=what)
    return spelt


def check_flags(
    encoder: SpellingEncoder, vocabulary: Vocabulary, ids: SpecialTokens, *, where: str = FILE
) -> None:
    """Do the checkpoint's flags mean these tokens? ``CheckpointError`` if not, naming both."""
    highest = max(vocabulary.values())
    if highest >= encoder.vocabulary:
        what = f"id {highest}, but the talker reads {encoder.vocabulary} tokens"
        raise CheckpointError(where=where, what=f"the wrong tokenizer: {what}")
    going_on = {token: not text.startswith(BEGINS_WORD) for text, token in vocabulary.items()}
    turns = dict.fromkeys(range(encoder.vocabulary), 0) | {ids.bos: 1, ids.eos: 2}
    for name, wanted in (
        ("subword_flag_emb.is_continuation", going_on),
        ("bos_eos_emb.special_flags", turns),
    ):
        for token, flag in enumerate(encoder.get_buffer(name).tolist()):
            # An id of no token may have either flag.
            if flag not in ((0, 1) if token not in wanted else (wanted[token],)):
                what = f"{flag} for token {token}, which {where} does not say"
                raise CheckpointError(where=PREFIX + name, what=what)


def digest(encoder: SpellingEncoder, vocabulary: Vocabulary, ids: SpecialTokens) -> str:
    """SHA-256, in hexadecimal, of everything a table is made of: sizes, weights, strings, ids."""
    found = hashlib.sha256()
    sizes = [FORMAT, astuple(encoder.config), ids.bos, ids.eos]
    found.update(json.dumps([sizes, sorted(vocabulary.items())]).encode())
    for name, tensor in encoder.state_dict().items():
        _hash(found, name, tensor)
    return found.hexdigest()


def _flags_alone(encoder: SpellingEncoder) -> SubwordTable:
    """The table of a vocabulary without letters."""
    going_on = encoder.subword_flag_emb.is_continuation[: encoder.vocabulary]
    special = encoder.bos_eos_emb.special_emb.weight
    flags = (encoder.subword_flag_emb.cont_emb.weight[:, None] + special[None]).flatten(0, 1)
    kinds = going_on * len(special) + encoder.bos_eos_emb.special_flags
    return SubwordTable(rows=flags[kinds], flags=flags, kinds=kinds)


def _batches(spelt: Mapping[int, Sequence[int]], batch: int) -> Iterator[list[int]]:
    """Token ids, shortest tokens first; in each as many as fit, padded to its last one's length."""
    chosen: list[int] = []
    for token in sorted(spelt, key=lambda one: len(spelt[one])):
        if chosen and (len(chosen) + 1) * len(spelt[token]) > batch:
            yield chosen
            chosen = []
        chosen.append(token)
    if chosen:
        yield chosen


def _keep(table: SubwordTable, file: Path, key: str) -> bool:
    """Under its name is all of it or nothing; was it written?"""
    tensors = _tensors(table)
    said = {"key": key, "sha256": _content(tensors)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own: another process may be writing the same file.
        with TemporaryDirectory(dir=file.parent, prefix=".subwords-") as folder:
            part = Path(folder) / file.name
            save_file(tensors, part, metadata=said)
            part.chmod(0o644)  # the folder decides who may read it, and not safetensors' 0600
            os.replace(part, file)
    except (OSError, SafetensorError):
        return False
    return True


def _read(file: Path, encoder: SpellingEncoder, key: str) -> SubwordTable | None:
    """None if there is no such file, or none of this key, or if it is damaged."""
    try:
        with safe_open(str(file), framework="pt", device="cpu") as stored:
            said = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in SubwordTable.__slots__}
    except (OSError, SafetensorError):
        return None
    if said != {"key": key, "sha256": _content(tensors)}:
        return None
    device = encoder.proj_embedding.weight.device
    # Into memory of its own: until now it may be the file's.
    return SubwordTable(**{name: one.to(device, copy=True) for name, one in tensors.items()})


def _tensors(table: SubwordTable) -> dict[str, Tensor]:
    return {name: getattr(table, name).cpu() for name in SubwordTable.__slots__}


def _content(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in tensors.items():
        _hash(found, name, tensor)
    return found.hexdigest()


def _hash(found: hashlib._Hash, name: str, tensor: Tensor) -> None:
    found.update(f"{name} {tensor.dtype} {list(tensor.shape)} ".encode())
    found.update(tensor.contiguous().cpu().reshape(-1).view(torch.uint8).numpy())
