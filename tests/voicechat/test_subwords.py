"""What the talker reads of a token: baked, checked, and kept in a file."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from bot.voicechat import subwords
from bot.voicechat.errors import CheckpointError
from bot.voicechat.precision import PRODUCTION, precision
from bot.voicechat.special import SpecialTokens
from bot.voicechat.speechconfig import SpellingConfig
from bot.voicechat.spelling import PREFIX, SpellingEncoder
from bot.voicechat.subwords import SubwordTable, bake, digest, letters, table_of
from bot.voicechat.tiny import tiny_tokenizer

CONFIG = SpellingConfig(
    hidden=24,
    intermediate=40,
    layers=1,
    heads=2,
    head_dim=12,
    query_scalar=256.0,
    theta=10_000.0,
    softcap=50.0,
)
IDS, TOKENIZER = SpecialTokens(), tiny_tokenizer()
VOCABULARY: dict[str, int] = TOKENIZER.get_vocab(with_added_tokens=True)
SIZE = len(VOCABULARY)
PADDED = SIZE + 7


@pytest.fixture
def encoder() -> SpellingEncoder:
    """Random weights, rows 0 of the flags' tables included, and seven ids that no token has."""
    generator = torch.Generator().manual_seed(1)
    encoder = SpellingEncoder(CONFIG, vocabulary=PADDED)
    weights = {
        name: torch.randn(tensor.shape, generator=generator) * 0.3
        for name, tensor in encoder.state_dict().items()
        if tensor.is_floating_point()
    }
    going_on = torch.zeros(PADDED + 1, dtype=torch.int64)
    for text, token in VOCABULARY.items():
        going_on[token] = int(text[0] not in "Ġ▁<")
    special = torch.zeros(PADDED, dtype=torch.int64)
    special[IDS.bos], special[IDS.eos] = 1, 2
    encoder.load(
        weights
        | {
            "subword_flag_emb.is_continuation": going_on,
            "subword_flag_emb.pad_tensor": torch.tensor(PADDED),
            "bos_eos_emb.special_flags": special,
            "bos_eos_emb.pad_tensor": torch.tensor(PADDED - 1),
        }
    )
    return encoder


@pytest.fixture
def runs(encoder: SpellingEncoder) -> list[str]:
    """Grows when the encoder runs, by torch's precision at that time."""
    found: list[str] = []
    encoder.register_forward_hook(
        lambda *_: found.append(torch.get_float32_matmul_precision()),
    )
    return found


def same(one: SubwordTable, other: SubwordTable) -> bool:
    return all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in SubwordTable.__slots__
    )


def test_golden_rows_of_every_token(case: Any) -> None:
    assert case.config.speech is not None
    folder = next(case.folder.glob("llm-*"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    recorded = case.golden("eartts")["embed_subword.all_vocab"][0]
    with torch.device("meta"):
        encoder = SpellingEncoder(case.config.speech.spelling, vocabulary=len(recorded))
    encoder.load(case.section(PREFIX))
    table = bake(encoder, tokenizer, IDS)
    torch.testing.assert_close(table.rows, recorded, atol=2e-4, rtol=0)


def test_a_row_is_its_letters_and_both_flags(encoder: SpellingEncoder) -> None:
    table = bake(encoder, TOKENIZER, IDS)
    spelt = letters(VOCABULARY)
    continued, special = encoder.subword_flag_emb.cont_emb, encoder.bos_eos_emb.special_emb
    for text, flags in (
        ("<s>", (0, 1)),
        ("</s>", (0, 2)),
        ("<SPECIAL_12>", (0, 0)),
        ("Ġ", (0, 0)),
        ("a", (1, 0)),
    ):
        token = VOCABULARY[text]
        alone = continued.weight[flags[0]] + special.weight[flags[1]]
        row = encoder(torch.tensor([spelt[token]]))[0] + alone
        torch.testing.assert_close(table.rows[token], row, atol=1e-5, rtol=0)
        torch.testing.assert_close(table.masked(torch.tensor([[token]]))[0, 0], alone)
    assert table.rows.shape == (PADDED, CONFIG.hidden)
    beyond = torch.arange(SIZE, PADDED)
    assert torch.equal(table.read(beyond), table.masked(beyond))


def test_batches_of_any_size_make_the_same_rows(encoder: SpellingEncoder, runs: list[str]) -> None:
    expected = bake(encoder, TOKENIZER, IDS, batch=1)
    assert len(runs) == SIZE
    for batch in (50, 100_000):
        runs.clear()
        found = bake(encoder, TOKENIZER, IDS, batch=batch)
        assert len(runs) == 1 if batch == 100_000 else len(runs) > 10
        torch.testing.assert_close(found.rows, expected.rows, atol=1e-5, rtol=0)


def test_rows_do_not_depend_on_the_precision_that_torch_is_set_to(
    encoder: SpellingEncoder, runs: list[str]
) -> None:
    with precision(**PRODUCTION.switches):
        bake(encoder, TOKENIZER, IDS)
        assert set(runs) == {"highest"}
        assert torch.get_float32_matmul_precision() == "high"


def test_progress_is_told_from_the_first_batch_to_all(encoder: SpellingEncoder) -> None:
    told: list[float] = []
    bake(encoder, TOKENIZER, IDS, batch=64, tell=told.append)
    assert told == sorted(told)
    assert 0 < told[0] < 0.5
    assert math.isclose(told[-1], 1.0)


def test_letters_are_numbered_by_their_tokens_and_others_left_out() -> None:
    characters = [chr(0x100 + n) for n in range(256)]
    vocabulary = {one: 300 - n for n, one in enumerate(characters)}
    spelt = letters(vocabulary | {f"{characters[0]}€{characters[1]}": 900})
    assert spelt[300] == (255,)
    assert spelt[45] == (0,)
    assert spelt[900] == (255, 254)


def test_a_vocabulary_that_is_not_of_bytes_is_named() -> None:
    fewer = {text: token for text, token in VOCABULARY.items() if text != "a"}
    with pytest.raises(CheckpointError, match="255 tokens of one character, and not the 256"):
        letters(fewer, where="here/tokenizer.json")
    with pytest.raises(CheckpointError) as raised:
        letters(VOCABULARY | {"€€": 7000}, where="here/tokenizer.json")
    assert raised.value.where == "here/tokenizer.json"
    assert "token 7000 ('€€')" in raised.value.what


@pytest.mark.parametrize(
    ("name", "token", "flag"),
    [
        ("subword_flag_emb.is_continuation", IDS.pad, 1),
        ("subword_flag_emb.is_continuation", 11, 1),
        ("subword_flag_emb.is_continuation", VOCABULARY["a"], 0),
        ("subword_flag_emb.is_continuation", PADDED - 1, 2),
        ("bos_eos_emb.special_flags", IDS.bos, 0),
        ("bos_eos_emb.special_flags", IDS.eos, 1),
        ("bos_eos_emb.special_flags", PADDED - 1, 1),
    ],
)
def test_flags_that_are_not_the_tokenizers_are_named(
    encoder: SpellingEncoder, runs: list[str], name: str, token: int, flag: int
) -> None:
    encoder.get_buffer(name)[token] = flag
    with pytest.raises(CheckpointError) as raised:
        bake(encoder, TOKENIZER, IDS)
    assert raised.value.where == f"{PREFIX}{name}"
    assert f"{flag} for token {token}," in raised.value.what
    assert not runs


def test_a_tokenizer_of_more_tokens_than_there_are_flags_is_refused() -> None:
    small = SpellingEncoder(CONFIG, vocabulary=SIZE - 1)
    with pytest.raises(CheckpointError, match=f"id {SIZE - 1}, but the talker reads {SIZE - 1}"):
        bake(small, TOKENIZER, IDS)


def test_a_kept_table_is_taken_bit_for_bit_without_the_encoder(
    encoder: SpellingEncoder, runs: list[str], tmp_path: Path
) -> None:
    beside, cache = tmp_path / "beside", tmp_path / "cache" / "parley"
    made = table_of(encoder, TOKENIZER, IDS, folders=[beside, cache])
    assert [one.name for one in beside.iterdir()] == [file_name(encoder)]
    assert not cache.exists()
    assert next(beside.iterdir()).stat().st_mode & 0o044 == 0o044  # whoever serves may read it
    runs.clear()
    assert same(table_of(encoder, TOKENIZER, IDS, folders=[cache, beside]), made)
    assert not runs
    assert not cache.exists()


def file_name(encoder: SpellingEncoder) -> str:
    return f"subwords-{digest(encoder, VOCABULARY, IDS)[:16]}.safetensors"


def test_whatever_a_table_is_made_of_is_in_its_name(encoder: SpellingEncoder) -> None:
    names = [digest(encoder, VOCABULARY, IDS)]
    names.append(digest(encoder, VOCABULARY | {"Ġa": 400}, IDS))
    names.append(digest(encoder, VOCABULARY, SpecialTokens(bos=3)))
    encoder.proj_embedding.weight[3, 4] += 1e-6
    names.append(digest(encoder, VOCABULARY, IDS))
    encoder.bos_eos_emb.special_flags[5] = 1
    names.append(digest(encoder, VOCABULARY, IDS))
    encoder.config = replace(CONFIG, softcap=30.0)
    names.append(digest(encoder, VOCABULARY, IDS))
    assert len(set(names)) == len(names)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-2000] ^= 1
    file.write_bytes(content)


def other(file: Path) -> None:
    save_file({"rows": torch.zeros(3)}, file)


def of_another_key(file: Path) -> None:
    stored: dict[str, Tensor] = load_file(file)
    tensors = {name: stored[name] * 2 for name in SubwordTable.__slots__}
    said = {"key": "0" * 64, "sha256": subwords._content(tensors)}
    save_file(tensors, file, metadata=said)


@pytest.mark.parametrize("spoil", [cut, empty, flip, other, of_another_key])
def test_a_file_that_is_damaged_or_foreign_is_made_anew(
    encoder: SpellingEncoder, runs: list[str], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    made = table_of(encoder, TOKENIZER, IDS, folders=[tmp_path])
    file = tmp_path / file_name(encoder)
    spoil(file)
    runs.clear()
    assert same(table_of(encoder, TOKENIZER, IDS, folders=[tmp_path]), made)
    assert runs
    runs.clear()
    assert same(table_of(encoder, TOKENIZER, IDS, folders=[tmp_path]), made)
    assert not runs


def test_a_folder_that_takes_no_file_is_passed_over(
    encoder: SpellingEncoder,
    runs: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    blocked, cache = tmp_path / "a file", tmp_path / "cache"
    blocked.write_text("not a folder")
    caplog.set_level(logging.INFO, "bot.voicechat")
    made = table_of(encoder, TOKENIZER, IDS, folders=[blocked])
    assert "no folder takes" in caplog.text
    assert same(table_of(encoder, TOKENIZER, IDS, folders=[blocked, cache]), made)
    runs.clear()
    assert same(table_of(encoder, TOKENIZER, IDS, folders=[blocked, cache]), made)
    assert not runs


def test_a_full_disk_leaves_nothing_behind(
    encoder: SpellingEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(tensors: dict[str, Tensor], file: Path, metadata: dict[str, str]) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(subwords, "save_file", half)
    made = table_of(encoder, TOKENIZER, IDS, folders=[tmp_path])
    assert same(made, bake(encoder, TOKENIZER, IDS))
    assert not list(tmp_path.iterdir())
