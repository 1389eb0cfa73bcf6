"""What goes through the socket comes out as it was, and rubbish is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.legs.sipprotocol import (
    Accept,
    Beat,
    Bye,
    Command,
    Confirmed,
    Dial,
    Ended,
    Event,
    Failed,
    HoldChanged,
    Incoming,
    Measured,
    Media,
    Packet,
    Pressed,
    Progress,
    Ready,
    Registered,
    Report,
    Ring,
    Silent,
    Sound,
    SourceChanged,
    Start,
    Stop,
    StreamFigures,
)
from gateway.legs.sipsettings import Account, WorkerSettings
from gateway.legs.sipwire import (
    MESSAGE_BYTES,
    RECORDS,
    WireError,
    decode_command,
    decode_event,
    encode,
)

number = st.integers(0, 2**31)
LONGEST = 640  # bytes of a tick, at 16 kHz
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
pcm = st.binary(max_size=LONGEST)
record = st.tuples(number, st.integers(-(2**31), 2**31 - 1), pcm)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Ready, text),
    st.builds(Failed, text),
    st.builds(Incoming, number, text, st.dictionaries(text, text, max_size=4)),
    st.builds(Progress, number, st.integers(100, 199), text),
    st.builds(Confirmed, number, text),
    st.builds(SourceChanged, number, text),
    st.builds(
        Measured,
        number,
        st.builds(
            StreamFigures,
            received=number,
            lost=number,
            jitter_ms=st.floats(0, 1e6) | st.none(),
            round_trip_ms=st.floats(0, 9) | st.none(),
        ),
    ),
    st.builds(Registered, number, st.integers(0, 699), text, number),
    st.builds(Pressed, number, text),
    st.builds(HoldChanged, number, st.booleans()),
    st.builds(Silent, number, st.floats(0, 1e6)),
    st.builds(Ended, number, st.integers(0, 699), text, unacknowledged=st.booleans()),
    st.builds(Beat, number, number),
    st.lists(record.map(lambda one: Report(*one)), max_size=5).map(lambda all_: Media(tuple(all_))),
)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Ring, number, st.booleans()),
    st.builds(Dial, number, text, st.dictionaries(text, text, max_size=3)),
    st.builds(Accept, number),
    st.builds(Bye, number, st.integers(0, 699), text, st.integers(0, 3600)),
    st.just(Stop()),
    st.lists(record.map(lambda one: Packet(*one)), max_size=5).map(lambda all_: Sound(tuple(all_))),
)


@given(events)
def test_events_survive_the_way(event: Event) -> None:
    assert decode_event(encode(event)) == event


@given(commands)
def test_commands_survive_the_way(command: Command) -> None:
    assert decode_command(encode(command)) == command


def test_octets_of_a_stranger_that_are_no_text_do_not_break_the_wire() -> None:
    text = b"\xff\xfea".decode("utf-8", "surrogateescape")
    assert decode_event(encode(Incoming(1, "::1", {"x": text}))) == Incoming(1, "::1", {"x": "??a"})
    assert decode_event(encode(Ended(1, 486, text))) == Ended(1, 486, "??a")


@given(st.binary(max_size=60))
def test_rubbish_is_refused_and_nothing_else_happens(packet: bytes) -> None:
    for decode in (decode_event, decode_command):
        try:
            decode(packet)
        except WireError:
            continue
        assert packet[:1] in b"MSEC"


@given(st.lists(record, min_size=1, max_size=3), st.integers(1, 9))
def test_sound_that_breaks_off_is_refused(records: list[tuple[int, int, bytes]], cut: int) -> None:
    packet = encode(Sound(tuple(Packet(*one) for one in records)))
    with pytest.raises(WireError, match="sound"):
        decode_command(packet[:-cut])


def test_commands_are_no_events() -> None:
    with pytest.raises(WireError, match="kind"):
        decode_event(encode(Accept(1)))
    with pytest.raises(WireError, match="Accept"):
        decode_event(b"E" + encode(Accept(1))[1:])


def test_wrong_types_are_refused() -> None:
    with pytest.raises(WireError, match="call"):
        decode_event(b'EConfirmed {"call": "7"}')


def test_the_largest_message_fits() -> None:
    records = tuple(Report(call, 0, bytes(LONGEST)) for call in range(RECORDS))
    assert len(encode(Media(records))) <= MESSAGE_BYTES


def test_settings_survive_the_way() -> None:
    account = Account("sip:pbx.example", "parley", "secret")
    settings = WorkerSettings(host="::1", codecs=("PCMA",), rate=16_000, accounts=(account,))
    assert decode_command(encode(Start(settings))) == Start(settings)
    assert "secret" not in repr(settings)
