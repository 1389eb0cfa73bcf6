from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.companded import CompandedDecoder, Law
from media.errors import CodecFault
from media.frame import MEDIA_RATE, PACKET, Pcm, silence
from media.g711 import ulaw_encode
from media.opus import OpusDecoder, OpusEncoder, OpusSettings
from media.reception import Reception
from media.resample import Resampler
from media.tones import tone

VOICE = Path(__file__).parents[2] / "samples" / "question.wav"


def opus_packets(pcm: Pcm, *, ms: int = 20, loss_percent: int = 0) -> list[bytes]:
    """Of 24 kHz."""
    encoder = OpusEncoder(24_000, OpusSettings(loss_percent=loss_percent))
    size = 24 * ms
    return [encoder.encode(pcm[i : i + size]) for i in range(0, len(pcm) - size + 1, size)]


def heard(
    reception: Reception,
    arrivals: list[tuple[int, int]],
    packets: list[bytes],
    *,
    ticks: int,
    step: int,
) -> Pcm:
    """``arrivals``: when (media time) which packet; ``step``: its length on the RTP clock."""
    coming = sorted(arrivals)
    out = []
    for now in range(PACKET, (ticks + 1) * PACKET, PACKET):
        while coming and coming[0][0] <= now:
            at, n = coming.pop(0)
            reception.put(packets[n], sequence=n % 2**16, timestamp=n * step % 2**32, at=at)
        out.append(reception.tick(at=now))
        assert len(out[-1]) == reception.rate // 50
    return np.concatenate(out)


def peak_hz(pcm: Pcm, *, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), n=10 * rate))
    return float(spectrum.argmax()) / 10


@pytest.mark.parametrize("ms", [10, 20, 40, 60])
@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_tone_through_opus_comes_out_as_it_went_in(ms: int, rate: int) -> None:
    packets = opus_packets(tone(1_000, 72_000, rate=24_000), ms=ms)
    arrivals = [((n + 1) * 16 * ms, n) for n in range(len(packets))]
    pcm = heard(Reception(OpusDecoder(rate)), arrivals, packets, ticks=150, step=48 * ms)
    assert len(pcm) == 3 * rate
    steady = pcm[rate // 2 :].astype(np.int16)
    assert peak_hz(steady, rate=rate) == pytest.approx(1_000, abs=1)
    # Unbroken: the difference from a pure sine is small everywhere.
    t = 2 * np.pi * 1_000 / rate * np.arange(len(steady))
    basis = np.stack((np.sin(t), np.cos(t)))
    rest = steady - np.linalg.lstsq(basis.T, steady.astype(float), rcond=None)[0] @ basis
    assert np.abs(rest).max() < 0.15 * np.abs(steady.astype(int)).max()


@pytest.mark.parametrize("ms", [20, 30])
def test_a_tone_through_g711_comes_out_as_it_went_in(ms: int) -> None:
    pcm = tone(1_000, 24_000, rate=8_000)
    packets = [ulaw_encode(pcm[i : i + 8 * ms]) for i in range(0, len(pcm), 8 * ms)]
    arrivals = [((n + 1) * 16 * ms, n) for n in range(len(packets))]
    reception = Reception(CompandedDecoder(Law.ULAW))
    out = heard(reception, arrivals, packets, ticks=150, step=8 * ms)
    assert len(out) == 24_000
    assert peak_hz(out[4_000:], rate=8_000) == pytest.approx(1_000, abs=1)
    assert reception.counts.concealed == 0


def test_without_packets_there_is_silence_forever() -> None:
    reception = Reception(OpusDecoder(16_000))
    assert not any(reception.tick(at=n * PACKET).any() for n in range(100))
    assert reception.counts.silent == 100 * PACKET


def test_muting_is_silence_and_sound_comes_back() -> None:
    packets = opus_packets(tone(500, 72_000, rate=24_000))
    arrivals = [((n + 1) * PACKET, n) for n in range(150) if not 50 <= n < 100]
    pcm = heard(Reception(OpusDecoder(16_000)), arrivals, packets, ticks=150, step=960)
    muted, after = pcm[58 * PACKET : 98 * PACKET], pcm[110 * PACKET : 140 * PACKET]
    assert not muted.any()
    assert peak_hz(after, rate=16_000) == pytest.approx(500, abs=1)


def voice() -> Pcm:
    """A caller's question, telephone band, 24 kHz."""
    with av.open(str(VOICE)) as container:
        native = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    return Resampler(8_000, 24_000).push(native.astype(np.int16))


def test_five_percent_of_loss_does_no_lasting_harm_to_speech() -> None:
    packets = opus_packets(voice(), loss_percent=10)
    lost = set(np.flatnonzero(np.random.default_rng(2).random(len(packets)) < 0.05).tolist())
    ticks = len(packets)
    clean_arrivals = [((n + 1) * PACKET, n) for n in range(len(packets))]
    clean = heard(Reception(OpusDecoder(16_000)), clean_arrivals, packets, ticks=ticks, step=960)
    reception = Reception(OpusDecoder(16_000))
    lossy_arrivals = [one for one in clean_arrivals if one[1] not in lost]
    lossy = heard(reception, lossy_arrivals, packets, ticks=ticks, step=960)
    assert len(lossy) == len(clean)
    assert reception.counts.lost == len(lost - {len(packets) - 1})
    assert reception.counts.recovered > 0
    # Aligned to the sample to the end: no delay was added.
    tail = slice(len(clean) // 2, None)
    lags = range(-PACKET, PACKET + 1, 40)
    match = [float(np.roll(lossy, lag)[tail].astype(float) @ clean[tail]) for lag in lags]
    assert lags[int(np.argmax(match))] == 0


class Picky(OpusDecoder):
    """Refuses what ends in b"bad", as libopus does with what is damaged inside."""

    def decode(self, packet: bytes) -> Pcm:
        if packet.endswith(b"bad"):
            raise CodecFault(codec="Opus", doing="decoding", code=-4, why="corrupted stream")
        return super().decode(packet)


def test_a_packet_the_codec_refuses_is_concealed_and_counted() -> None:
    packets = opus_packets(tone(500, 24_000, rate=24_000))
    packets[20] += b"bad"
    arrivals = [((n + 1) * PACKET, n) for n in range(50)]
    reception = Reception(Picky(16_000))
    pcm = heard(reception, arrivals, packets, ticks=50, step=960)
    assert reception.broken == 1
    # Made up, not silent.
    assert min(np.abs(run.astype(int)).max() for run in pcm[3_200:].reshape(-1, PACKET)) > 3_000


def test_delay_left_by_a_stall_is_shed_where_the_caller_is_silent() -> None:
    said = np.concatenate([np.r_[tone(400, 24_000, rate=24_000), silence(12_000)]] * 4)
    packets = opus_packets(said)
    stall = range(10, 25)  # 300 ms held up
    arrivals = [((25 if n in stall else n) * PACKET + PACKET, n) for n in range(len(packets))]
    reception = Reception(OpusDecoder(16_000))
    out = heard(reception, arrivals, packets, ticks=len(packets), step=960)
    assert reception.counts.discarded > 0
    # The last tone begins within 100 ms of when it was said: 4.5 s.
    loud = np.abs(out.astype(int)) > 1_000
    begins = np.flatnonzero(loud[43 * MEDIA_RATE // 10 :])[0] + 43 * MEDIA_RATE // 10
    assert 4.5 * MEDIA_RATE <= begins <= 4.6 * MEDIA_RATE


@given(
    st.lists(
        st.tuples(st.integers(0, 200 * PACKET), st.integers(0, 99), st.booleans()), max_size=150
    ),
    st.binary(max_size=40),
)
def test_any_order_loss_doubling_delay_and_rubbish_leave_the_count_of_samples_right(
    arrivals: list[tuple[int, int, bool]], rubbish: bytes
) -> None:
    encoded = opus_packets(tone(300, 960, rate=24_000))
    reception = Reception(OpusDecoder(16_000))
    coming = sorted(arrivals)
    try:
        for now in range(PACKET, 200 * PACKET, PACKET):
            while coming and coming[0][0] <= now:
                at, n, bad = coming.pop(0)
                payload = rubbish if bad else encoded[n % 2]
                reception.put(payload, sequence=n, timestamp=n * 960, at=at)
            assert len(reception.tick(at=now)) == PACKET
    finally:
        reception.close()


def test_closing_frees_the_decoder_and_may_be_repeated() -> None:
    reception = Reception(OpusDecoder(16_000))
    assert reception.rate == 16_000
    reception.close()
    reception.close()
