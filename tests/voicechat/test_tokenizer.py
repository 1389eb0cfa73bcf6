"""Special tokens of a checkpoint: those that are given, and those that its config names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bot.voicechat.config import VoiceChatConfig
from bot.voicechat.errors import CheckpointError
from bot.voicechat.special import SpecialTokens, among
from bot.voicechat.tiny import VOCABULARY, tiny_config, tiny_tokenizer
from bot.voicechat.tokenizer import load_tokenizer, special_tokens

TOKENIZER = tiny_tokenizer()
THINKER = VoiceChatConfig.from_plain(tiny_config()).thinker
OLDER = replace(THINKER, user_bos="^", user_eos="$")


def test_todays_checkpoints_have_no_tokens_of_the_callers_own() -> None:
    ids = special_tokens(TOKENIZER, THINKER)
    assert ids == SpecialTokens()
    assert (ids.caller_begins, ids.caller_ends, ids.greedy_only) == ((1,), (2,), (12, 1, 2))


def test_those_of_older_checkpoints_are_looked_up() -> None:
    ids = special_tokens(TOKENIZER, OLDER)
    begins, ends = TOKENIZER.encode("^").ids, TOKENIZER.encode("$").ids
    assert ([ids.user_bos], [ids.user_eos]) == (begins, ends)
    assert ids.caller_begins == (1, *begins)
    assert ids.caller_ends == (2, *ends)
    assert ids.greedy_only == (12, 1, 2, *begins, *ends)


def test_one_may_be_named_without_the_other_and_none_counts_twice() -> None:
    ids = special_tokens(TOKENIZER, replace(THINKER, user_bos="<s>", user_eos="$"))
    assert ids.caller_begins == (1,)
    assert ids.greedy_only == (12, 1, 2, ids.user_eos)
    assert special_tokens(TOKENIZER, replace(THINKER, user_eos="$")).caller_begins == (1,)


@pytest.mark.parametrize(
    ("key", "named"),
    [("user_bos_token", {"user_bos": "<user>"}), ("user_eos_token", {"user_eos": "<user>"})],
)
def test_a_token_that_the_tokenizer_lacks_is_named_with_the_file(
    tmp_path: Path, key: str, named: dict[str, Any]
) -> None:
    file = tmp_path / "tokenizer.json"
    TOKENIZER.save(str(file))
    thinker = replace(THINKER, **named)
    with pytest.raises(CheckpointError) as raised:
        load_tokenizer(tmp_path, thinker, vocabulary=VOCABULARY)
    assert str(raised.value) == f"{file}: no token '<user>', the {key} of config.json"
    with pytest.raises(CheckpointError, match=r"^tokenizer\.json: no token '<user>'"):
        special_tokens(TOKENIZER, thinker)


def test_given_ids_are_asserted_here_too() -> None:
    with pytest.raises(CheckpointError, match="<unk> must be id 1, and is 0"):
        special_tokens(TOKENIZER, replace(THINKER, bos="<unk>"))


def test_among() -> None:
    tokens = torch.tensor([[1, 2, 3], [4, 1, -1]])
    assert among(tokens, (1, 4)).tolist() == [[True, False, False], [True, True, False]]
    assert not among(tokens, ()).any()
