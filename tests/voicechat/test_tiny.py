"""The tiny checkpoint: the released layout, small, the same for the same seed, and alive."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from transformers.audio_utils import mel_filter_bank

from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.codec import BOOKS, LAYERS, CodecDecoder
from bot.voicechat.errors import CheckpointError
from bot.voicechat.perception import Perception
from bot.voicechat.rnnt import Rnnt
from bot.voicechat.speechcheck import check_speech
from bot.voicechat.thinker import Thinker
from bot.voicechat.tiny import make_tiny, tiny_config


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return open_checkpoint(make_tiny(tmp_path_factory.mktemp("tiny") / "tiny"))


def test_it_is_a_small_copy_of_the_released_one(tiny: Checkpoint) -> None:
    thinker = tiny.config.thinker
    assert (thinker.function_head, thinker.asr_head, thinker.function_weight) == (True, False, 2.0)
    assert tiny.config.rnnt is not None
    assert {"linear_attention", "full_attention", "mlp"} == set(tiny.llm.layers_block_type)
    assert tiny.llm.num_attention_heads * tiny.llm.head_dim != tiny.llm.hidden_size
    assert sum(file.stat().st_size for file in tiny.folder.path.rglob("*.*")) < 6_000_000


def test_its_speaking_half_is_a_small_copy_too(tiny: Checkpoint) -> None:
    speech = tiny.config.speech
    assert speech is not None
    assert (speech.guidance, speech.top, speech.noise) == (0.2, 0.95, 0.001)
    assert (speech.backbone.window, speech.prompt_frames) == (7500, 37)
    assert set(speech.backbone.full) == {True, False}
    assert (speech.codec.codebooks, speech.codec.entries, speech.codec.frame) == (8, 64, 1764)
    assert tiny.voices == (speech.speaker,) == ("Aria",)
    check_speech(tiny)


def test_its_flags_are_those_of_its_tokens(tiny: Checkpoint) -> None:
    vocabulary = tiny.tokenizer.get_vocab(with_added_tokens=True)
    assert sum(len(text) == 1 for text in vocabulary) == 256  # what the talker spells with
    flags = tiny.section("tts_model.tts_model.embed_subword.")
    goes_on = flags["subword_flag_emb.is_continuation"].tolist()
    for text, token in vocabulary.items():
        assert goes_on[token] == (text[0] not in "Ġ▁<")
    assert {goes_on[vocabulary[text]] for text in ("Ġthe", "<SPECIAL_12>", "Ġ")} == {0}
    assert {goes_on[vocabulary[text]] for text in ("ing", "e", ">")} == {1}
    special = flags["bos_eos_emb.special_flags"]
    assert special.nonzero().flatten().tolist() == [1, 2]
    assert special[1:3].tolist() == [1, 2]
    assert int(flags["subword_flag_emb.pad_tensor"]) == len(goes_on) - 1 == 384
    assert int(flags["bos_eos_emb.pad_tensor"]) == 383


def test_its_codes_are_heard_and_do_not_clip(tiny: Checkpoint) -> None:
    assert tiny.config.speech is not None
    decoder = CodecDecoder(tiny.config.speech.codec)
    decoder.load(tiny.codec(BOOKS, LAYERS))
    codes = torch.randint(64, (1, 13, 8), generator=torch.Generator().manual_seed(0))
    sound = decoder.whole(codes).view(13, -1)  # a second, by frames
    loudness = sound.square().mean(-1).sqrt()
    assert float(loudness.min()) > 0.05
    assert float(loudness.max()) < 0.4
    assert float((sound.abs() > 0.9).float().mean()) < 1e-3
    different = (sound[1:] - sound[:-1]).square().mean(-1).sqrt()
    assert float(different.min()) > 0.05


def test_its_config_is_the_callers_to_change() -> None:
    tiny_config()["model"]["stt"]["model"]["perception"]["encoder"]["att_context_size"].clear()
    tiny_config()["model"]["stt"]["model"]["perception"]["encoder"]["d_model"] = 1
    tiny_config()["model"]["speech_generation"]["model"]["codec_config"]["rates"].clear()
    encoder = tiny_config()["model"]["stt"]["model"]["perception"]["encoder"]
    assert encoder["d_model"] == 64
    assert encoder["att_context_size"] == [[16, 0], [16, 1], [16, 3]]
    speech = tiny_config()["model"]["speech_generation"]["model"]
    assert speech["codec_config"]["rates"] == [7, 7, 9]


def test_its_tokenizer_spells_any_text(tiny: Checkpoint) -> None:
    text = "hello, can you help the caller? Grüße, 数字 42"
    tokens = tiny.tokenizer.encode(f"<s>{text}</s>", add_special_tokens=False).ids
    assert (tokens[0], tokens[-1]) == (1, 2)
    assert tiny.tokenizer.decode(tokens) == text
    assert tiny.tokenizer.token_to_id("<SPECIAL_12>") == 12


def test_the_seed_is_all_the_difference(tmp_path: Path) -> None:
    files = [
        make_tiny(tmp_path / name, seed=seed) / "model.safetensors"
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    one, same, other = (file.read_bytes() for file in files)
    assert one == same
    assert one != other


def test_its_front_end_is_the_real_one(tiny: Checkpoint) -> None:
    filters = tiny.tensor("stt_model.perception.preprocessor.featurizer.fb")
    window = tiny.tensor("stt_model.perception.preprocessor.featurizer.window")
    slaney = mel_filter_bank(257, 128, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    assert torch.allclose(filters[0], torch.from_numpy(slaney.T).float())
    assert torch.allclose(window, torch.hann_window(400, periodic=False), atol=1e-6)


def test_its_time_steps_are_those_of_a_fresh_mamba(tiny: Checkpoint) -> None:
    bias = tiny.tensor("stt_model.llm.layers.0.mixer.dt_bias", dtype=torch.float64)
    steps = torch.nn.functional.softplus(bias)
    assert float(steps.min()) >= 0.000999
    assert float(steps.max()) <= 0.1001


@pytest.mark.parametrize("use_meta_device", [False, True])
def test_its_parts_load_from_their_sections(tiny: Checkpoint, use_meta_device: bool) -> None:
    config = tiny.config
    assert config.rnnt is not None
    with torch.device("meta") if use_meta_device else nullcontext():
        perception = Perception(config)
        thinker = Thinker(config.thinker, tiny.llm)
        rnnt = Rnnt(config.rnnt, width=config.encoder.width)
    perception.load(tiny.perception())
    thinker.load(tiny.thinker(dtype=torch.bfloat16))
    rnnt.load(tiny.rnnt())
    for part in (perception, thinker, rnnt):
        assert not any(tensor.is_meta for tensor in [*part.parameters(), *part.buffers()])
    assert thinker.dtype == torch.bfloat16
    sound = 0.1 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    rows, _ = perception.whole(sound, torch.tensor([16_000]))
    assert 0.5 < float(rows.std()) < 2.0


def test_a_used_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(CheckpointError, match="not empty"):
        make_tiny(tmp_path)
    with pytest.raises(CheckpointError, match="not a folder"):
        make_tiny(tmp_path / "mine")
