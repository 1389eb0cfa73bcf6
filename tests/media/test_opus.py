from __future__ import annotations

import ctypes
import gc
from pathlib import Path

import av
import numpy as np
import pytest

from media import opus
from media.errors import CodecFault, CodecMissing, FormatMismatch
from media.frame import MEDIA_RATE, PACKET, Pcm, silence
from media.opus import OpusDecoder, OpusEncoder, OpusSettings
from media.resample import Resampler
from media.tones import tone

VOICE = Path(__file__).parents[2] / "samples" / "question.wav"


def packets(pcm: Pcm, *, rate: int, settings: OpusSettings | None = None) -> list[bytes]:
    """20 ms each; what is over at the end is left."""
    encoder = OpusEncoder(rate, settings)
    size = rate // 50
    try:
        return [encoder.encode(pcm[i : i + size]) for i in range(0, len(pcm) - size + 1, size)]
    finally:
        encoder.close()


def peak_hz(pcm: Pcm, *, rate: int) -> float:
    """The strongest frequency, to a tenth of a hertz."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)), n=10 * rate))
    return float(spectrum.argmax()) / 10


def voice(rate: int) -> Pcm:
    with av.open(str(VOICE)) as container:
        native = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    return Resampler(8_000, rate).push(native.astype(np.int16))


@pytest.mark.parametrize("rate_in", [16_000, 24_000, 48_000])
@pytest.mark.parametrize("rate_out", [16_000, 24_000, 48_000])
def test_a_tone_keeps_its_pitch_and_loudness_at_every_rate(rate_in: int, rate_out: int) -> None:
    sent = tone(1_000, 2 * rate_in, rate=rate_in)
    decoder = OpusDecoder(rate_out)
    heard = np.concatenate([decoder.decode(p) for p in packets(sent, rate=rate_in)])
    assert heard.dtype == np.int16
    assert len(heard) == 2 * rate_out
    steady = heard[rate_out // 2 :]
    assert peak_hz(steady, rate=rate_out) == pytest.approx(1_000, abs=1)
    level = np.sqrt(np.square(steady.astype(float)).mean())
    assert level == pytest.approx(0.25 * 32_768 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("ms", [10, 20, 40, 60])
def test_a_packet_tells_how_long_it_is(ms: int) -> None:
    encoder = OpusEncoder(24_000)
    packet = encoder.encode(tone(440, 24 * ms, rate=24_000))
    assert opus.packet_samples(packet) == 16 * ms
    assert len(OpusDecoder(16_000).decode(packet)) == 16 * ms


def test_the_bitrate_is_kept() -> None:
    pcm = voice(24_000)
    sizes = [
        sum(map(len, packets(pcm, rate=24_000, settings=OpusSettings(bitrate=bitrate))))
        for bitrate in (12_000, 24_000, 48_000)
    ]
    seconds = len(pcm) / 24_000
    for size, bitrate in zip(sizes, (12_000, 24_000, 48_000), strict=True):
        assert 0.5 * bitrate < 8 * size / seconds < 1.3 * bitrate


def test_the_cached_silence_is_20_ms_of_zeros() -> None:
    assert opus.packet_samples(opus.SILENCE) == PACKET
    for rate in opus.RATES:
        np.testing.assert_array_equal(
            OpusDecoder(rate).decode(opus.SILENCE), np.zeros(rate // 50, np.int16)
        )


def test_the_cached_silence_is_what_libopus_makes_of_zeros() -> None:
    # Full-band CELT, 20 ms, mono, which our own encoder's voice mode does not choose.
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.options = {"application": "lowdelay", "frame_duration": "20", "vbr": "on"}
    encoder.bit_rate = 64_000
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="mono")
    frame.sample_rate = 48_000
    assert bytes(encoder.encode(frame)[0]) == opus.SILENCE


def test_after_speech_the_cached_silence_is_silent_within_two_packets() -> None:
    decoder = OpusDecoder(16_000)
    for packet in packets(voice(24_000)[:48_000], rate=24_000):
        decoder.decode(packet)
    decoder.decode(opus.SILENCE)
    assert not decoder.decode(opus.SILENCE).any()


def _distance_db(one: Pcm, other: Pcm) -> float:
    """Log-spectral distance of two runs of 20 ms at 16 kHz, over what telephones carry."""
    window = np.hanning(PACKET)
    spectra = [20 * np.log10(np.abs(np.fft.rfft(x * window))[6:68] + 30) for x in (one, other)]
    return float(np.sqrt(np.square(spectra[0] - spectra[1]).mean()))


def test_recovery_is_nearer_the_truth_than_concealment() -> None:
    settings = OpusSettings(bitrate=24_000, loss_percent=20)
    sent = packets(voice(24_000), rate=24_000, settings=settings)
    decoder = OpusDecoder(16_000)
    whole = [decoder.decode(p) for p in sent]
    recovered: list[float] = []
    concealed: list[float] = []
    for lost in range(10, len(sent) - 1, 7):
        loud = np.square(whole[lost].astype(float)).mean() > 300**2
        if not (loud and opus.is_redundant(sent[lost + 1])):
            continue
        for results, fec in ((recovered, True), (concealed, False)):
            other = OpusDecoder(16_000)
            for packet in sent[:lost]:
                other.decode(packet)
            made = other.recover(sent[lost + 1], PACKET) if fec else other.conceal(PACKET)
            assert len(made) == PACKET
            results.append(_distance_db(whole[lost], made))
    assert len(recovered) >= 5
    assert np.mean(recovered) < 0.75 * np.mean(concealed)


def test_only_what_was_encoded_for_loss_is_redundant() -> None:
    pcm = voice(24_000)
    assert not any(opus.is_redundant(p) for p in packets(pcm, rate=24_000))
    lossy = OpusSettings(loss_percent=20)
    assert any(opus.is_redundant(p) for p in packets(pcm, rate=24_000, settings=lossy))
    assert not opus.is_redundant(b"")


def test_redundancy_may_be_asked_for_in_the_middle() -> None:
    pcm, encoder = voice(24_000), OpusEncoder(24_000)
    runs = [pcm[i : i + 480] for i in range(0, 48_000, 480)]
    assert not any(opus.is_redundant(encoder.encode(run)) for run in runs)
    encoder.expect_loss(20)
    assert any(opus.is_redundant(encoder.encode(run)) for run in runs)


@pytest.mark.parametrize("samples", [1, 33, 40, 320, 961])
def test_any_length_can_be_concealed(samples: int) -> None:
    decoder = OpusDecoder(24_000)
    decoder.decode(packets(tone(300, 480, rate=24_000), rate=24_000)[0])
    assert len(decoder.conceal(samples)) == samples * 24_000 // MEDIA_RATE


def test_what_cannot_be_made_up_is_refused() -> None:
    with pytest.raises(FormatMismatch, match="up to 120 ms"):
        OpusDecoder(16_000).conceal(16 * 121)


@pytest.mark.parametrize("packet", [b"", b"\xff\xff\xff", b"\x03"])
def test_what_is_no_packet_is_refused_in_one_line(packet: bytes) -> None:
    assert opus.packet_samples(packet) == 0
    with pytest.raises(CodecFault, match="Opus, decoding") as caught:
        OpusDecoder(16_000).decode(packet)
    assert caught.value.code == -4  # OPUS_INVALID_PACKET
    assert "\n" not in str(caught.value)


def test_a_run_of_an_impossible_length_is_refused() -> None:
    encoder = OpusEncoder(24_000)
    with pytest.raises(CodecFault, match="encoding 481 samples at 24000 Hz"):
        encoder.encode(silence(481))
    with pytest.raises(FormatMismatch, match="60 ms at the most"):
        encoder.encode(silence(24_000))
    with pytest.raises(FormatMismatch, match="float64"):
        encoder.encode(np.zeros(480))  # type: ignore[arg-type]


def test_a_rate_or_setting_that_cannot_be_is_refused() -> None:
    with pytest.raises(FormatMismatch, match="22050 Hz"):
        OpusDecoder(22_050)
    with pytest.raises(FormatMismatch, match="44100 Hz"):
        OpusEncoder(44_100)
    for bad in ({"bitrate": 1}, {"complexity": 11}, {"loss_percent": 101}):
        with pytest.raises(FormatMismatch, match="Opus"):
            OpusSettings(**bad)


def test_closing_is_final_and_may_be_repeated() -> None:
    encoder, decoder = OpusEncoder(16_000), OpusDecoder(16_000)
    for one in (encoder, decoder, encoder, decoder):
        one.close()
    with pytest.raises(CodecFault, match="closed"):
        encoder.encode(silence(320))
    with pytest.raises(CodecFault, match="closed"):
        decoder.conceal(320)


def test_without_a_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    opus.library.cache_clear()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(ctypes, "CDLL", refuse)
            with pytest.raises(CodecMissing, match="libopus0") as caught:
                OpusDecoder(16_000)
        assert caught.value.tried[-1] == "libopus.so.0"
        gc.collect()  # a half-made decoder must not trip over itself
    finally:
        opus.library.cache_clear()
    assert OpusDecoder(16_000).rate == 16_000
