"""The tiny checkpoint: the released layout, small, the same for the same seed, and alive."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from transformers.audio_utils import mel_filter_bank

from bot.voicechat.checkpoint import Checkpoint, open_checkpoint
from bot.voicechat.errors import CheckpointError
from bot.voicechat.perception import Perception
from bot.voicechat.rnnt import Rnnt
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
    assert sum(file.stat().st_size for file in tiny.folder.path.rglob("*.*")) < 3_000_000


def test_its_config_is_the_callers_to_change() -> None:
    tiny_config()["model"]["stt"]["model"]["perception"]["encoder"]["att_context_size"].clear()
    tiny_config()["model"]["stt"]["model"]["perception"]["encoder"]["d_model"] = 1
    encoder = tiny_config()["model"]["stt"]["model"]["perception"]["encoder"]
    assert encoder["d_model"] == 64
    assert encoder["att_context_size"] == [[16, 0], [16, 1], [16, 3]]


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
