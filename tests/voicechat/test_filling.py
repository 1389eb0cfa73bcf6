"""Filling modules from a checkpoint, on the meta device and off it; and what it costs in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import NemotronHModel

from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.errors import CheckpointError
from bot.voicechat.filling import fill
from bot.voicechat.tiny import make_tiny


def backbone_name(name: str) -> str:
    return "embed_tokens.weight" if name == "embeddings.weight" else f"llm.{name}"


@pytest.mark.parametrize("use_meta_device", [False, True])
def test_a_backbone_is_filled_and_runs(tmp_path: Path, use_meta_device: bool) -> None:
    checkpoint = open_checkpoint(make_tiny(tmp_path / "tiny"))
    with torch.device("meta") if use_meta_device else nullcontext():
        model = NemotronHModel(checkpoint.llm).eval()
    weights = checkpoint.section("stt_model.", "llm.", "embed_tokens.")
    fill(model, weights, rename=backbone_name)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[backbone_name(name)])
    with torch.inference_mode():
        hidden = model(input_ids=torch.arange(40)[None], use_cache=False).last_hidden_state
    # Neither vanished nor exploded, and one word is not like another.
    assert 0.5 < float(hidden.std()) < 2.0
    logits = hidden[0] @ checkpoint.tensor("stt_model.lm_head.weight").T
    assert len(set(logits.argmax(1).tolist())) > 10


def test_on_the_meta_device_the_weights_keep_their_dtypes(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(make_tiny(tmp_path / "tiny"))
    with torch.device("meta"):
        model = NemotronHModel(checkpoint.llm)
    weights = checkpoint.section("stt_model.", "llm.", "embed_tokens.", dtype=torch.bfloat16)
    fill(model, weights, rename=backbone_name)
    assert model.layers[0].mixer.in_proj.weight.dtype == torch.bfloat16
    assert model.layers[0].mixer.A_log.dtype == torch.float32
    assert not any(parameter.requires_grad for parameter in model.parameters())


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: torch.ones(tensor.shape) for name, tensor in module.state_dict().items()}


def test_what_does_not_fit_is_named() -> None:
    module = nn.Linear(3, 2, device="meta")
    right = weights_of(module)
    for wrong, where, what in (
        ({"weight": right["weight"]}, "bias", "missing"),
        (right | {"more": torch.ones(1)}, "more", "no such tensor in a Linear"),
        (right | {"bias": torch.ones(3)}, "bias", "of shape [3]"),
    ):
        with pytest.raises(CheckpointError) as raised:
            fill(module, wrong)
        assert raised.value.where == where
        assert what in raised.value.what


def test_what_no_checkpoint_has_is_not_left_on_the_meta_device() -> None:
    module = nn.Linear(3, 2, device="meta")
    module.register_buffer("table", torch.ones(3, device="meta"), persistent=False)
    with pytest.raises(CheckpointError, match="table: left without values"):
        fill(module, weights_of(module))


def test_buffers_are_filled_too() -> None:
    module = nn.BatchNorm1d(4, device="meta")
    weights = weights_of(module) | {"num_batches_tracked": torch.tensor(7)}
    fill(module, weights)
    assert module.num_batches_tracked is not None
    assert int(module.num_batches_tracked) == 7
    assert not module.running_mean.requires_grad


WATCH = """
import sys, threading
import torch
from bot.voicechat.checkpoint import open_checkpoint

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) * 1024

checkpoint = open_checkpoint(sys.argv[1])
checkpoint.tensor("stt_model.llm.norm_f.weight", dtype=torch.bfloat16)
before = most = anonymous()
done = threading.Event()

def watch():
    global most
    while not done.is_set():
        most = max(most, anonymous())

watcher = threading.Thread(target=watch)
watcher.start()
kept = checkpoint.tensor("tts_model.big.weight", dtype=getattr(torch, sys.argv[2]))
done.set()
watcher.join()
print(max(most, anonymous()) - before, kept.nbytes)
"""


@pytest.mark.alone  # it writes and reads 256 MB, and measures memory
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_tensor_goes_to_its_dtype_without_a_second_copy(tmp_path: Path, dtype: str) -> None:
    folder = make_tiny(tmp_path / "tiny")
    file = folder / "model.safetensors"
    big = torch.ones(2**26)
    plain = json.loads((folder / "config.json").read_text("utf-8"))
    plain["model"]["speech_generation"] = None  # so that no tensor of the speaking half is strange
    (folder / "config.json").write_text(json.dumps(plain), "utf-8")
    try:
        save_file(load_file(file) | {"tts_model.big.weight": big}, file)
        run = [sys.executable, "-c", WATCH, str(folder), dtype]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
    finally:
        file.unlink()
    rise, kept = map(int, done.stdout.split())
    assert rise >= 0.9 * kept  # it was seen
    # Mapped pages are the file's, not ours: what is kept, and not a third of the tensor more.
    assert rise < kept + 0.3 * big.nbytes
