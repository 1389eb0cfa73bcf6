"""Tool calls out of the function channel's tokens, and what is none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.voicechat.special import SpecialTokens
from bot.voicechat.tiny import tiny_tokenizer
from bot.voicechat.toolcalls import FaultKind, ToolCall, ToolCallReader, ToolFault, parsed

IDS = SpecialTokens()
TOKENIZER = tiny_tokenizer()
ONE = '<TOOLCALL>[{"name": "book", "arguments": {"day": "Monday", "at": 9}}]</TOOLCALL>'


def tokens_of(text: str) -> list[int]:
    found: list[int] = TOKENIZER.encode(text, add_special_tokens=False).ids
    return found


def framed(text: str) -> list[int]:
    return [IDS.call_start, *tokens_of(text), IDS.call_end]


def read(tokens: list[int], *, longest: int = 400) -> list[ToolCall | ToolFault]:
    reader = ToolCallReader(TOKENIZER, IDS, longest=longest)
    found = [*(reader.push(token) for token in tokens), reader.flush()]
    return [one for one in found if one is not None]


def test_a_call_comes_with_its_last_token_and_not_before() -> None:
    reader = ToolCallReader(TOKENIZER, IDS)
    tokens = framed(ONE)
    assert [reader.push(token) for token in tokens[:-1]] == [None] * (len(tokens) - 1)
    assert reader.push(tokens[-1]) == ToolCall("book", {"day": "Monday", "at": 9}, ONE)
    assert reader.flush() is None


def test_it_says_whether_a_call_is_open() -> None:
    reader = ToolCallReader(TOKENIZER, IDS)
    tokens = [IDS.pad, IDS.call_start, 40, IDS.pad, IDS.call_end, IDS.pad]
    opened = [(reader.push(token), reader.open)[1] for token in tokens]
    assert opened == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ('[{"name": "a", "arguments": {}}]', "a", {}),
        ('{"name": "a", "arguments": {"x": [1, null]}}', "a", {"x": [1, None]}),
        ('<TOOLCALL>[{"name": "a-b", "arguments": "{\\"x\\": 1}"}]</TOOLCALL>', "a-b", {"x": 1}),
        (' <TOOLCALL> [{"name": " a "}] </TOOLCALL> ', "a", {}),
        ('[{"name": "a", "arguments": null}]', "a", {}),
        ('[{"name": "a", "arguments": "  "}]', "a", {}),
        ('[{"name": "a", "arguments": {"who": "Zoë ☎"}}]', "a", {"who": "Zoë ☎"}),
    ],
)
def test_forms_of_a_call(text: str, name: str, arguments: dict[str, object]) -> None:
    assert read(framed(text)) == [ToolCall(name, arguments, text)]


def test_several_in_one_text_are_all_there() -> None:
    text = '[{"name": "a"}, {"name": "b", "arguments": {"x": 1}}]'
    (found,) = read(framed(text))
    assert isinstance(found, ToolCall)
    assert found.name == "a"
    assert found.further == (ToolCall("b", {"x": 1}, text),)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", FaultKind.NOT_JSON),
        ("<TOOLCALL></TOOLCALL>", FaultKind.NOT_JSON),
        ('<TOOLCALL>[{"name": "a"', FaultKind.NOT_JSON),
        ('[{"name": "a", "arguments": {"x": NaN}}]', FaultKind.NOT_JSON),
        ('[{"name": "a", "arguments": {"x": 1e999}}]', FaultKind.NOT_JSON),
        ('[{"name": "a", "arguments": "{x}"}]', FaultKind.NOT_JSON),
        ('[{"name": "a", "arguments": []}]', FaultKind.NOT_A_CALL),
        ('[{"name": "\\ud800"}]', FaultKind.NOT_JSON),
        ("[" * 5000, FaultKind.NOT_JSON),
        ("9" * 5000, FaultKind.NOT_JSON),
        ("[]", FaultKind.NOT_A_CALL),
        ("null", FaultKind.NOT_A_CALL),
        ('["a"]', FaultKind.NOT_A_CALL),
        ('[{"arguments": {}}]', FaultKind.NOT_A_CALL),
        ('[{"name": " "}]', FaultKind.NOT_A_CALL),
        ('[{"name": 1}]', FaultKind.NOT_A_CALL),
        ('[{"name": "a", "arguments": [1]}]', FaultKind.NOT_A_CALL),
        ('[{"name": "a", "arguments": "[1]"}]', FaultKind.NOT_A_CALL),
        ('[{"name": "a"}, 1]', FaultKind.NOT_A_CALL),
    ],
)
def test_what_is_no_call_is_a_fault_with_its_text(text: str, kind: FaultKind) -> None:
    assert parsed(text) == ToolFault(kind, text)


def test_pads_between_and_what_is_outside_are_passed_over() -> None:
    padded = [one for token in framed(ONE) for one in (token, IDS.pad)]
    response = [*tokens_of('<TOOL_RESPONSE>[{"x": 1}]</TOOL_RESPONSE>'), IDS.response_end]
    around = [IDS.pad, IDS.call_end, IDS.response_end]
    assert read([*around, *padded, *response, *around]) == [parsed(ONE)]


def test_a_call_that_never_ends_is_cut_and_the_next_one_is_read() -> None:
    endless = [IDS.call_start, *tokens_of("a" * 30), IDS.call_end, *framed(ONE)]
    assert read(endless, longest=20) == [
        ToolFault(FaultKind.TOO_LONG, "a" * 20),
        ToolFault(FaultKind.TOO_LONG, ONE[: len(TOKENIZER.decode(tokens_of(ONE)[:20]))]),
    ]
    assert read(endless, longest=200) == [ToolFault(FaultKind.NOT_JSON, "a" * 30), parsed(ONE)]
    assert read([IDS.call_start, *[IDS.pad] * 20], longest=20) == [
        ToolFault(FaultKind.TOO_LONG, "")
    ]


def test_another_start_and_the_end_leave_what_was_begun() -> None:
    begun = [IDS.call_start, *tokens_of("[{")]
    unfinished = ToolFault(FaultKind.UNFINISHED, "[{")
    assert read([*begun, *framed(ONE), *begun]) == [unfinished, parsed(ONE), unfinished]


def test_half_a_letter_at_the_end_is_no_letter() -> None:
    half = tokens_of("☎")[:2]
    assert read([IDS.call_start, *half, IDS.call_end]) == [ToolFault(FaultKind.NOT_JSON, "\ufffd")]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(min_size=1).filter(str.strip), st.dictionaries(st.text(), JSON, max_size=3))
def test_every_call_is_read_as_it_was_written(name: str, arguments: dict[str, object]) -> None:
    text = json.dumps([{"name": name, "arguments": arguments}])
    (found,) = read(framed(text), longest=100_000)
    assert found == ToolCall(name.strip(), arguments, text)


@given(st.lists(st.integers(0, 400)), st.integers(1, 30))
def test_no_tokens_make_it_raise(tokens: list[int], longest: int) -> None:
    for one in read([IDS.call_start, *tokens], longest=longest):
        assert isinstance(one, ToolCall | ToolFault)
