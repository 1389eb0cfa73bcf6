"""The talker's head: golden codes from recorded hidden states, and each rule on its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import TopKLogitsWarper, TopPLogitsWarper

from bot.voicechat.draws import RowGenerators
from bot.voicechat.errors import CheckpointError
from bot.voicechat.mixture import MixtureHead, choose, kept, schedule, unmasked
from bot.voicechat.rvq import Codebooks
from bot.voicechat.speechconfig import SpeechConfig
from tests.voicechat.talking import RELEASED as SPEECH

TALKER = "tts_model.tts_model."
CLOSE = 2e-4
RELEASED, RELEASED_CODEC = SPEECH.mixture, SPEECH.codec
HIDDEN = 1152


@dataclass(frozen=True)
class Talking:
    """A golden case's head, and what it takes of the talker."""

    speech: SpeechConfig
    head: MixtureHead
    books: Codebooks
    embedding: Tensor
    golden: dict[str, Tensor]

    def embed(self, latent: Tensor) -> Tensor:
        return latent @ self.embedding.T

    def decode(self, hidden: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
        """Greedy but for ``options``."""
        plain: dict[str, Any] = {"guidance": 0.0, "top": 1, "noise": 0.0}
        options = plain | options
        return self.head.decode(hidden, embed=self.embed, books=self.books, **options)

    def sampling(self, frames: slice = slice(None)) -> dict[str, Any]:
        """As recorded, a frame in a row."""
        return {
            "guidance": self.speech.guidance,
            "top": self.speech.top,
            "noise": self.speech.noise,
            "uniform": self.golden["sampled.u"][frames, :, 0],
            "normal": self.golden["sampled.n"][frames, :, 0],
        }

    def hidden(self, tag: str) -> Tensor:
        """[frames, streams, hidden]."""
        return self.golden[f"{tag}.hidden"].transpose(0, 1)


def head_of(speech: SpeechConfig) -> MixtureHead:
    return MixtureHead(
        speech.mixture,
        hidden=speech.backbone.hidden,
        latent=speech.codec.latent,
        exponent=speech.exponent,
    )


@pytest.fixture
def talking(case: Any) -> Talking:
    speech = case.config.speech
    assert speech is not None
    with torch.device("meta"):
        head, books = head_of(speech), Codebooks(speech.codec)
    head.load(case.section(f"{TALKER}mog_head."))
    books.load(case.weights[f"{TALKER}rvq_embs"])
    embedding = case.weights[f"{TALKER}embed_code.weight"]
    return Talking(speech, head, books, embedding, case.golden("eartts"))


def same(got: tuple[Tensor, Tensor], golden: dict[str, Tensor], tag: str) -> None:
    codes, components = got
    assert torch.equal(codes, golden[f"{tag}.codes"][0].long())
    assert torch.equal(components, golden[f"{tag}.mixture_index"].long())


def test_golden_schedule(talking: Talking) -> None:
    codebooks, exponent = talking.books.codebooks, talking.speech.exponent
    wanted = tuple(talking.golden["unmask_ks"].tolist())
    assert unmasked(codebooks, exponent) == wanted
    assert schedule(codebooks, exponent) == tuple(count for count in wanted if count)


def test_golden_greedy_codes_without_guidance(talking: Talking) -> None:
    same(talking.decode(talking.hidden("greedy")), talking.golden, "greedy")


def test_golden_greedy_codes_with_guidance(talking: Talking) -> None:
    hidden, guidance = talking.hidden("greedy_cfg"), talking.speech.guidance
    same(talking.decode(hidden, guidance=guidance), talking.golden, "greedy_cfg")


def test_golden_sampled_codes_from_the_recorded_draws(talking: Talking) -> None:
    got = talking.decode(talking.hidden("sampled"), **talking.sampling())
    same(got, talking.golden, "sampled")


def test_golden_head_call_alone(talking: Talking) -> None:
    golden, head = talking.golden, talking.head
    hidden = golden["generate_step.hidden"]
    codes, _ = talking.decode(hidden)
    assert torch.equal(codes, golden["generate_step.codes"][0].long())
    x = head.guided(hidden, 0.0)
    logits = head.proj_logits(x)
    mean, spread = head.gaussian(x, logits.argmax(-1))
    for key, found in (("logits", logits), ("mu", mean), ("logs", spread.log())):
        torch.testing.assert_close(found, golden[f"mog.{key}"][0], atol=CLOSE, rtol=0)


def test_golden_rows_together_are_rows_alone(talking: Talking) -> None:
    hidden = talking.hidden("sampled")
    codes, components = talking.decode(hidden, **talking.sampling())
    for row in range(8):
        only = slice(row, row + 1)
        alone, component = talking.decode(hidden[only], **talking.sampling(only))
        assert torch.equal(alone[0], codes[row])
        assert torch.equal(component[0], components[row])


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_golden_rows_beside_a_broken_one(talking: Talking, value: float) -> None:
    hidden, sampling = talking.hidden("sampled").clone(), talking.sampling()
    whole, _ = talking.decode(hidden, **sampling)
    broken = {"uniform": sampling["uniform"].clone(), "normal": sampling["normal"].clone()}
    hidden[3] = broken["uniform"][3] = broken["normal"][3] = value
    codes, components = talking.decode(hidden, **(sampling | broken))
    others = torch.arange(len(hidden)) != 3
    assert torch.equal(codes[others], whole[others])
    assert ((codes >= 0) & (codes < talking.books.entries)).all()
    assert ((components >= 0) & (components < talking.speech.mixture.components)).all()


def test_golden_two_streams_without_guidance_are_the_first_alone(talking: Talking) -> None:
    hidden = talking.hidden("greedy_cfg")
    codes, _ = talking.decode(hidden)
    alone, _ = talking.decode(hidden[:, :1])
    assert torch.equal(codes, alone)


def test_golden_spread_has_a_floor(talking: Talking) -> None:
    """The recorded spreads are all above it: here the configuration's is put above them."""
    head = talking.head
    head.config = replace(head.config, least_log_std=1.5)
    x = head.guided(talking.hidden("greedy"), 0.0)
    mean, spread = head.gaussian(x, head.proj_logits(x).argmax(-1))
    assert torch.equal(spread, torch.full_like(spread, math.exp(1.5)))
    assert not torch.equal(mean, head.proj_else(x))


def test_golden_draws_of_another_shape_and_streams_that_do_not_fit(talking: Talking) -> None:
    hidden, sampling = talking.hidden("sampled"), talking.sampling()
    with pytest.raises(ValueError, match="uniform is"):
        talking.decode(hidden, **(sampling | {"uniform": sampling["uniform"][:, 1:]}))
    with pytest.raises(ValueError, match="normal is"):
        talking.decode(hidden, **(sampling | {"normal": sampling["normal"][1:]}))
    with pytest.raises(ValueError, match="1 streams and guidance 0"):
        talking.decode(hidden[:, :1], guidance=0.5)
    with pytest.raises(ValueError, match="3 streams"):
        talking.decode(hidden[:, [0, 1, 1]])


def test_golden_weights_are_taken_strictly(talking: Talking, case: Any) -> None:
    weights = case.section(f"{TALKER}mog_head.")
    missing = {name: one for name, one in weights.items() if name != "low_mat"}
    with pytest.raises(CheckpointError, match=r"mog_head\.low_mat: missing"):
        head_of(talking.speech).load(missing)
    with pytest.raises(CheckpointError, match=r"mog_head\.bias: no such tensor"):
        head_of(talking.speech).load(weights | {"bias": torch.zeros(1)})


def test_the_released_schedule() -> None:
    assert unmasked(31, 3.0) == (0, 0, 0, 1, 1, 3, 4, 22)
    assert schedule(31, 3.0) == (1, 1, 3, 4, 22)
    assert schedule(31, 3.0, passes=6) == (1, 2, 4, 24)


@pytest.mark.parametrize("passes", [1, 2, 8, 31])
@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 7.5])
def test_every_codebook_is_settled_once(passes: int, exponent: float) -> None:
    for codebooks in range(1, 40):
        plan = unmasked(codebooks, exponent, passes)
        assert len(plan) == passes
        assert sum(plan) == codebooks
        assert min(plan) >= 0


@pytest.mark.parametrize("top", [0.05, 0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("scale", [0.1, 1.0, 4.0])
def test_the_nucleus_is_that_of_transformers(top: float, scale: float) -> None:
    generator = torch.Generator().manual_seed(int(1000 * top + scale))
    logits = scale * torch.randn(64, 1024, generator=generator)
    ids = torch.zeros(64, 1, dtype=torch.int64)
    assert torch.equal(kept(logits, top), TopPLogitsWarper(top)(ids, logits).isfinite())


@pytest.mark.parametrize("top", [1, 2, 50, 1024, 5000])
def test_the_best_so_many_are_those_of_transformers(top: int) -> None:
    logits = torch.randn(16, 1024, generator=torch.Generator().manual_seed(top)).round(decimals=1)
    ids = torch.zeros(16, 1, dtype=torch.int64)
    assert torch.equal(kept(logits, top), TopKLogitsWarper(top)(ids, logits).isfinite())


def test_a_nucleus_however_small_has_the_best_and_a_full_one_all() -> None:
    logits = torch.tensor([[0.0, 5.0, -200.0]])
    assert kept(logits, 1e-12).tolist() == [[False, True, False]]
    assert kept(logits, 1.0).all()


def test_of_equal_entries_the_lower_index_is_in_first() -> None:
    assert kept(torch.zeros(1, 4), 0.5).tolist() == [[True, True, False, False]]


def test_the_noise_of_extreme_uniforms_is_finite_and_the_recorded_formulas() -> None:
    """Against a second component at 0 whose noise is that of 0.5, by how far each is ahead."""
    least, most = 0.0, 1 - 2.0**-24

    def first_wins(uniform: float, ahead: float) -> bool:
        logits = torch.tensor([[ahead, 0.0]])
        return not choose(logits, top=1.0, uniform=torch.tensor([[uniform, 0.5]])).item()

    for uniform in (least, most):
        noise = [-math.log(-math.log(one + 1e-8) + 1e-8) for one in (uniform, 0.5)]
        # What float32 makes of 1 - 2**-24 + 1e-8 is 1 - 2**-24.
        noise[0] = -math.log(2.0**-24 + 1e-8) if uniform == most else noise[0]
        border = noise[1] - noise[0]
        assert first_wins(uniform, border + 0.01)
        assert not first_wins(uniform, border - 0.01)


def test_components_come_as_often_as_the_nucleus_has_them() -> None:
    rows, top = 20_000, 0.8
    logits = torch.tensor([1.0, 0.5, 3.0, -2.0, 2.5, 2.0, 0.0, -1.0])
    generators = RowGenerators.new(rows)
    generators.seed.copy_(torch.arange(rows))
    uniform = generators.uniforms_(torch.ones(rows, dtype=torch.bool), len(logits))
    chosen = choose(logits.expand(rows, -1), top=top, uniform=uniform)
    inside = kept(logits[None], top)[0]
    expected = rows * logits.masked_fill(~inside, -torch.inf).softmax(-1)
    counts = chosen.bincount(minlength=len(logits))
    assert inside.sum() == 3
    assert not counts[~inside].any()
    apart = (counts - expected)[inside] ** 2 / expected[inside]
    assert float(apart.sum()) < 13.8  # chi², 2 degrees, 0.1 %


def test_at_full_size_no_shape_depends_on_a_value() -> None:
    with torch.device("meta"):
        books = Codebooks(RELEASED_CODEC)
        head = MixtureHead(RELEASED, hidden=HIDDEN, latent=512, exponent=3.0)
        mask = torch.ones(4, dtype=torch.bool)
        uniform, normal = RowGenerators.new(4).noise_(mask, passes=5, components=1024, latent=512)
        embed = torch.nn.Linear(512, HIDDEN, bias=False)
        for top in (0.95, 50):
            codes, components = head.decode(
                torch.empty(4, 2, HIDDEN),
                embed=embed,
                books=books,
                guidance=0.2,
                top=top,
                noise=0.001,
                uniform=uniform,
                normal=normal,
            )
    assert codes.is_meta
    assert (codes.shape, codes.dtype) == ((4, 31), torch.int64)
    assert (components.shape, components.dtype) == ((4, 5), torch.int64)
    assert sum(one.numel() for one in head.parameters()) == 158_606_336
