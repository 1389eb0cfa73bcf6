"""Text of token streams: a letter that is spread over frames comes whole, and once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from bot.voicechat.special import SpecialTokens
from bot.voicechat.text import TextStream, decoded, joined
from bot.voicechat.timestamps import seconds, stamped, strip_timestamps

IDS = SpecialTokens()
SPECIALS = 23  # 0 … 22, as in the tokenizer of the public checkpoint
BROKEN = "\ufffd"


def by_bytes() -> Tokenizer:
    """No merges: every byte is a token of its own, the worst there is; ids 23 … 278."""
    names = {0: "<unk>", IDS.bos: "<s>", IDS.eos: "</s>"}
    specials = [names.get(token, f"<SPECIAL_{token}>") for token in range(SPECIALS)]
    letters = sorted(ByteLevel.alphabet())
    vocabulary = {name: token for token, name in enumerate([*specials, *letters])}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in specials])
    return tokenizer


TOKENIZER = by_bytes()


def tokens_of(text: str) -> list[int]:
    found: list[int] = TOKENIZER.encode(text, add_special_tokens=False).ids
    return found


def deltas(tokens: list[int], *, show_pad: bool = False) -> list[str]:
    """One per token, and what the flush brings."""
    stream = TextStream(TOKENIZER, IDS, show_pad=show_pad)
    return [*(stream.push(token) for token in tokens), stream.flush()]


@given(st.text())
def test_deltas_put_together_are_the_text(text: str) -> None:
    tokens = tokens_of(text)
    assert len(tokens) == len(text.encode())
    found = deltas(tokens)
    assert "".join(found) == text
    assert found[-1] == ""


@given(st.text(st.sampled_from("aé€😀👩‍🚀 ñ"), min_size=1), st.data())
def test_pads_between_the_bytes_of_a_letter_do_not_break_it(text: str, data: st.DataObject) -> None:
    tokens = [
        token
        for one in tokens_of(text)
        for token in [one] + [IDS.pad] * data.draw(st.integers(0, 2))
    ]
    assert "".join(deltas(tokens)) == text
    shown = "".join(deltas(tokens, show_pad=True))
    assert shown.replace("<SPECIAL_12>", "") == text
    assert shown.count("<SPECIAL_12>") == tokens.count(IDS.pad)


@given(st.lists(st.integers(SPECIALS, SPECIALS + 255)))
def test_any_bytes_come_as_the_tokenizer_has_them(tokens: list[int]) -> None:
    found = deltas(tokens)
    assert "".join(found) == TOKENIZER.decode(tokens, skip_special_tokens=False)


def test_a_letter_comes_with_its_last_byte() -> None:
    assert deltas(tokens_of("a😀é")) == ["a", "", "", "", "😀", "", "é", ""]


def test_leading_spaces_stay() -> None:
    assert deltas(tokens_of(" a b"))[:2] == [" ", "a"]
    assert decoded(tokens_of(" a b"), TOKENIZER, IDS) == " a b"


def test_bytes_without_an_end_are_shown_once_at_the_flush() -> None:
    stream = TextStream(TOKENIZER, IDS)
    assert [stream.push(token) for token in tokens_of("€")[:2]] == ["", ""]
    assert stream.flush() == BROKEN
    assert stream.flush() == ""
    assert stream.push(tokens_of("a")[0]) == "a"


def test_the_end_of_a_turn_is_the_end_of_a_letter() -> None:
    half = tokens_of("€")[:2]
    assert deltas([*half, IDS.eos, *half, IDS.bos, *tokens_of("a")]) == [
        "", "", BROKEN + "</s>", "", "", BROKEN + "<s>", "a", "",
    ]  # fmt: skip


def test_specials() -> None:
    assert deltas([IDS.bos, 11, IDS.pad, 0, 5, IDS.eos]) == ["<s>", "", "", "", "", "</s>", ""]
    assert deltas([IDS.pad], show_pad=True) == ["<SPECIAL_12>", ""]
    call = [IDS.call_start, *tokens_of("f()"), IDS.call_end, IDS.response_end]
    assert "".join(deltas(call)) == "<SPECIAL_20>f()<SPECIAL_21><SPECIAL_22>"


def test_turn_tokens_of_older_asr_heads_are_not_written_and_end_letters() -> None:
    begin, end = tokens_of("^$")
    ids = SpecialTokens(user_bos=begin, user_eos=end)
    half = tokens_of("€")[:2]
    heard = [begin, *tokens_of("Hi"), *half, end, IDS.pad, *tokens_of("x")]
    assert decoded(heard, TOKENIZER, ids) == "Hi" + BROKEN + "x"
    assert decoded(heard, TOKENIZER, IDS) == "^Hi" + BROKEN + "$x"  # elsewhere they are text
    same = SpecialTokens(user_bos=IDS.bos, user_eos=IDS.eos)
    assert decoded([IDS.bos, *tokens_of("a"), IDS.eos], TOKENIZER, same) == "<s>a</s>"


def test_a_token_beyond_the_tokenizer_is_nothing() -> None:
    assert deltas([131_071, *tokens_of("a")]) == ["", "a", ""]


def test_an_added_token_that_is_not_special_is_text() -> None:
    tokenizer = by_bytes()
    tokenizer.add_tokens([AddedToken("für dich", special=False)])
    token = tokenizer.token_to_id("für dich")
    assert token is not None
    assert decoded([token], tokenizer, IDS) == "für dich"


# --- times ------------------------------------------------------------------------------------


def test_the_three_marks() -> None:
    tokens = [IDS.pad, IDS.bos, *tokens_of("Hi"), IDS.pad, IDS.pad, IDS.eos, IDS.pad]
    assert stamped(tokens, TOKENIZER, IDS) == " <|0.08|> Hi <$0.48$> "
    assert stamped(tokens, TOKENIZER, IDS, text_ends=True) == " <|0.08|> Hi <0.32>  <$0.48$> "


def test_the_end_of_the_text_is_marked_once_a_turn() -> None:
    tokens = [IDS.pad, IDS.bos, IDS.pad, IDS.pad, IDS.eos, IDS.pad, IDS.bos, IDS.eos, IDS.pad]
    marks = stamped(tokens, TOKENIZER, IDS, text_ends=True).split()
    assert marks == ["<|0.08|>", "<0.16>", "<$0.32$>", "<|0.48|>", "<$0.56$>"]


def test_a_letter_around_the_end_of_the_text_comes_whole() -> None:
    first, *rest = tokens_of("€")
    tokens = [IDS.bos, first, IDS.pad, *rest, IDS.pad, first, IDS.eos, *tokens_of("a")]
    written = stamped(tokens, TOKENIZER, IDS, text_ends=True)
    assert written == f" <|0.0|>  <0.16> €{BROKEN} <$0.56$> a"


@pytest.mark.parametrize(
    ("frame", "expected"), [(0, "0.0"), (1, "0.08"), (3, "0.24"), (25, "2.0"), (8191, "655.28")]
)
def test_seconds(frame: int, expected: str) -> None:
    assert seconds(frame) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|0.08|> Hi <0.32>  <$0.48$> ", "Hi"),
        ("<|3|> Hi there <$12$> <|14|> Bye", "Hi there Bye"),
        ("a<|1.5|>b", "a b"),
        ("1 < 2, <s> <b> <|x|> $5 stay", "1 < 2, <s> <b> <|x|> $5 stay"),
        ("", ""),
    ],
)
def test_stripping_marks(text: str, expected: str) -> None:
    assert strip_timestamps(text) == expected


@given(st.lists(st.sampled_from([IDS.pad, IDS.bos, IDS.eos, *tokens_of("aé")])))
def test_stripping_leaves_the_words(tokens: list[int]) -> None:
    written = strip_timestamps(stamped(tokens, TOKENIZER, IDS, text_ends=True))
    plain = decoded(tokens, TOKENIZER, IDS).replace("<s>", "").replace("</s>", "")
    assert written.replace(" ", "") == plain


def test_golden_strings(case: Any) -> None:
    """What NeMo wrote into its reports; channels that it did not write are no matter."""
    meta = json.loads((case.folder / "meta.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_file(str(case.folder / case.config.thinker.llm / "tokenizer.json"))
    golden = case.golden("stt")
    length = int(golden["tokens_len"])
    text, heard = (
        golden[key][0, :length].tolist() if key in golden else []
        for key in ("tokens_text", "tokens_asr")
    )
    words = [token for token in heard if token not in (IDS.bos, IDS.eos)]
    found = {"text": stamped(text, tokenizer, IDS), "src_text": decoded(words, tokenizer, IDS)}
    written = {key: lines[0] for key, lines in meta["strings"].items() if key in found and lines}
    assert written
    assert {key: found[key] for key in written} == written


# --- the caller's words -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["▁hel", "lo", "▁the", "re", "."], " hello there."),
        (["lo", "▁"], "lo "),
        (["▁a", "<unk>", "⁇", "▁⁇", "b"], " ab"),
        ([], ""),
    ],
)
def test_pieces_are_joined(pieces: list[str], expected: str) -> None:
    assert joined(pieces) == expected
    assert "".join(joined([piece]) for piece in pieces) == expected
