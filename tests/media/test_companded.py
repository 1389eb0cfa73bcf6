from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from media.companded import CompandedDecoder, Law
from media.frame import PACKET, Pcm
from media.g711 import alaw_encode, ulaw_encode
from media.tones import tone

HELD = 160  # samples of 20 ms at 8 kHz


@pytest.mark.parametrize(("law", "encode"), [(Law.ULAW, ulaw_encode), (Law.ALAW, alaw_encode)])
def test_it_decodes_its_own_law(law: Law, encode: Callable[[Pcm], bytes]) -> None:
    pcm = tone(997, 800, rate=8_000)
    decoder = CompandedDecoder(law)
    packet = encode(pcm)
    assert decoder.duration(packet) == 1_600
    assert not decoder.redundant(packet)
    np.testing.assert_allclose(decoder.decode(packet), pcm, atol=300)


@pytest.mark.parametrize("hz", [80, 125, 190])
def test_a_missing_packet_goes_on_with_the_voices_period(hz: int) -> None:
    pcm = tone(hz, 1_600 + HELD, rate=8_000) + tone(3 * hz, 1_600 + HELD, rate=8_000)
    decoder = CompandedDecoder(Law.ULAW)
    decoder.decode(ulaw_encode(pcm[:1_600]))
    made = decoder.conceal(PACKET)
    missing = pcm[1_600:]
    assert len(made) == HELD
    noise = np.square(made[:80].astype(float) - missing[:80]).mean()
    assert noise < 0.1 * np.square(missing[:80].astype(float)).mean()


def test_it_fades_to_silence_in_60_ms_and_stays_there() -> None:
    decoder = CompandedDecoder(Law.ULAW)
    decoder.decode(ulaw_encode(tone(150, 1_600, rate=8_000)))
    levels = [np.abs(decoder.conceal(PACKET).astype(int)).max() for _ in range(5)]
    assert levels[0] > levels[1] > levels[2] > 0
    assert levels[3:] == [0, 0]


def test_the_next_packet_makes_it_whole_again() -> None:
    decoder = CompandedDecoder(Law.ULAW)
    pcm = tone(150, 1_600, rate=8_000)
    decoder.decode(ulaw_encode(pcm))
    first = decoder.recover(b"", PACKET)
    for _ in range(4):
        decoder.conceal(PACKET)
    decoder.decode(ulaw_encode(pcm))
    np.testing.assert_array_equal(decoder.conceal(PACKET), first)


def test_before_any_sound_there_is_silence() -> None:
    decoder = CompandedDecoder(Law.ALAW)
    assert not decoder.conceal(PACKET).any()
    decoder.close()
