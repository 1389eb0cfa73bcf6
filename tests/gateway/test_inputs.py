"""What ``parley replay`` is given, looked at one by one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bot.facts import Digit, Held
from gateway.errors import ConfigError, InputError
from gateway.inputs import Found, find
from gateway.legs.base import Moved
from media.frame import silence
from media.timeline import Entry, encode
from tests.gateway.sounds import write_wav

OFFER = {"leg": "sip", "engine": "e", "persona": "p", "seed": 1, "facts": {"codec": "PCMU/8000"}}


def look(*paths: Path, channel: int | None = None) -> Found:
    return find(paths, caller_channel=channel, max_minutes=120)


def recording(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_wav(path, silence(1600))


def call_folder(path: Path, *entries: Entry) -> Path:
    path.mkdir(parents=True)
    write_wav(path / "call.wav", np.zeros((1600, 2), np.int16))
    lines = [encode(entry) + "\n" for entry in entries]
    (path / "timeline.jsonl").write_text("".join(lines), encoding="utf-8")
    return path


def manifest(path: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def only_error(found: Found) -> str:
    (error,) = found.errors
    assert "\n" not in str(error)
    return str(error)


# ---- files and folders -----------------------------------------------------------------------


def test_a_file_is_called_by_its_stem(tmp_path: Path) -> None:
    (item,) = look(recording(tmp_path / "Anna (2).wav")).items
    assert item.call_id == "Anna-2"
    assert item.facts == {"codec": "pcm_s16le/16000"}
    assert item.reference is None


def test_names_are_made_unique_in_order(tmp_path: Path) -> None:
    paths = [recording(tmp_path / folder / "call.wav") for folder in "abc"]
    found = look(*(path for path in paths))
    assert [item.call_id for item in found.items] == ["call", "call-2", "call-3"]


def test_a_folder_holds_recordings_and_calls(tmp_path: Path) -> None:
    recording(tmp_path / "b.wav")
    recording(tmp_path / "a.WAV")
    call_folder(tmp_path / "c")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    found = look(tmp_path)
    assert [item.call_id for item in found.items] == ["a", "b", "c"]
    assert [item.reference for item in found.items] == [None, None, tmp_path / "c"]


def test_an_empty_folder_says_what_would_count(tmp_path: Path) -> None:
    assert "no recordings and no call folders in it" in only_error(look(tmp_path))


def test_what_is_wrong_with_one_does_not_hide_the_others(tmp_path: Path) -> None:
    good = recording(tmp_path / "good.wav")
    found = look(tmp_path / "missing.wav", good)
    assert [item.call_id for item in found.items] == ["good"]
    assert "no such file" in only_error(found)


# ---- call folders ----------------------------------------------------------------------------


def test_a_call_folder_brings_its_keys_and_facts(tmp_path: Path) -> None:
    folder = call_folder(
        tmp_path / "2026-a",
        Entry(0, "offer", OFFER),
        Entry(320, "digit", {"key": "5"}),
        Entry(640, "held", {"on": True}),
        Entry(960, "moved", {"source": "192.0.2.7:4002"}),
        Entry(1600, "outcome", {"fault": "none", "reason": "caller-left"}),
    )
    (item,) = look(folder).items
    assert item.call_id == "2026-a"
    moved = Moved(960, "192.0.2.7:4002")
    assert item.keys == (Digit(320, "5"), Held(640, on=True), moved)
    assert item.facts == {"codec": "PCMU/8000"}
    assert item.hung_up
    assert (item.recording.channel, item.reference) == (0, folder)


def test_a_call_that_the_bot_ended_is_not_hung_up_by_the_caller(tmp_path: Path) -> None:
    ending = Entry(1600, "outcome", {"fault": "none", "reason": "goodbye"})
    (item,) = look(call_folder(tmp_path / "a", Entry(0, "offer", OFFER), ending)).items
    assert not item.hung_up


def test_a_call_that_was_killed_can_be_replayed(tmp_path: Path) -> None:
    folder = call_folder(tmp_path / "a", Entry(0, "offer", OFFER))
    with (folder / "timeline.jsonl").open("a") as file:
        file.write('{"v":1,"at":1600,"ty')
    (item,) = look(folder).items
    assert item.facts == {"codec": "PCMU/8000"}


def test_a_damaged_timeline_is_named_by_its_line(tmp_path: Path) -> None:
    folder = call_folder(tmp_path / "a", Entry(0, "offer", OFFER))
    with (folder / "timeline.jsonl").open("a") as file:
        file.write("nonsense\n")
    assert "timeline.jsonl, line 2" in only_error(look(folder))


@pytest.mark.parametrize(
    "entry",
    [Entry(0, "offer", {"leg": "sip"}), Entry(0, "digit"), Entry(0, "held"), Entry(0, "moved")],
)
def test_a_timeline_that_lacks_what_it_must_have(entry: Entry, tmp_path: Path) -> None:
    assert "lacks what it must have" in only_error(look(call_folder(tmp_path / "a", entry)))


def test_a_folder_without_timeline_is_a_recording_with_the_caller_on_the_left(
    tmp_path: Path,
) -> None:
    folder = call_folder(tmp_path / "a")
    (folder / "timeline.jsonl").unlink()
    (item,) = look(folder).items
    assert (item.recording.channel, item.keys) == (0, ())


# ---- manifests -------------------------------------------------------------------------------


def test_a_manifest_names_recordings_beside_it(tmp_path: Path) -> None:
    recording(tmp_path / "calls" / "a.wav")
    write_wav(tmp_path / "calls" / "b.wav", np.zeros((1600, 2), np.int16))
    path = manifest(
        tmp_path / "m.jsonl",
        {"audio_filepath": "calls/a.wav", "persona": "pizzeria", "text": "hi\u2028there"},
        "",
        {"audio_filepath": "calls/b.wav", "caller_channel": 1, "system_prompt": "be brief"},
    )
    a, b = look(path).items
    assert (a.persona, a.text, a.recording.channel) == ("pizzeria", "hi\u2028there", 0)
    assert (b.persona, b.system_prompt, b.recording.channel) == (None, "be brief", 1)


def test_line_separators_inside_a_text_end_no_line(tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    row = json.dumps({"audio_filepath": "a.wav", "text": "one\u2028two"}, ensure_ascii=False)
    (item,) = look(manifest(tmp_path / "m.jsonl", row)).items
    assert item.text == "one\u2028two"


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('{"audio_filepath": "a.wav"', "not JSON: Expecting ',' delimiter at column 27"),
        ("[]", "no audio_filepath in it"),
        ({"audio": "a.wav"}, "no audio_filepath in it"),
        ({"audio_filepath": 5}, "no audio_filepath in it"),
        ({"audio_filepath": "a.wav", "duration": 3}, "unknown key 'duration'"),
        ({"audio_filepath": "a.wav", "text": None}, "text must be text"),
        ({"audio_filepath": "a.wav", "caller_channel": 2}, "caller_channel must be 0 or 1"),
        ({"audio_filepath": "a.wav", "caller_channel": 1.0}, "caller_channel must be 0 or 1"),
        ({"audio_filepath": "a.wav", "caller_channel": True}, "caller_channel must be 0 or 1"),
        ({"audio_filepath": "a.wav", "caller_channel": []}, "caller_channel must be 0 or 1"),
    ],
)
def test_a_bad_line_is_named_and_the_others_stay(row: object, what: str, tmp_path: Path) -> None:
    recording(tmp_path / "a.wav")
    path = manifest(tmp_path / "m.jsonl", {"audio_filepath": "a.wav"}, row)
    found = look(path)
    assert [item.call_id for item in found.items] == ["a"]
    assert isinstance(found.errors[0], ConfigError)
    message = only_error(found)
    assert message.startswith(f"{path}:2: ")
    assert what in message


def test_a_manifest_may_name_a_missing_file(tmp_path: Path) -> None:
    found = look(manifest(tmp_path / "m.jsonl", {"audio_filepath": "gone.wav"}))
    assert isinstance(found.errors[0], InputError)
    assert "gone.wav: no such file" in only_error(found)


def test_a_manifest_may_be_missing_empty_or_no_text(tmp_path: Path) -> None:
    assert "No such file" in only_error(look(tmp_path / "m.jsonl"))
    assert "no recordings in it" in only_error(look(manifest(tmp_path / "e.jsonl")))
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8 text" in only_error(look(tmp_path / "b.jsonl"))
