"""Choosing an engine by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.engine import SessionOptions
from bot.engines import NAMES, EngineChoice, build
from bot.engines.scripted import Script
from bot.errors import EngineFault
from bot.inline import InlineJobs

JOBS = InlineJobs(lambda: 0.0, timed=False)


@pytest.mark.parametrize("name", ["echo", "scripted"])
def test_an_engine_has_as_many_rows_as_seats(name: str) -> None:
    engine = build(EngineChoice(name, seats=3, script=Script(rate=24_000)), JOBS)
    assert (engine.spec.name, engine.spec.width) == (name, 3)
    engine.reset(2, SessionOptions())
    engine.release(2)
    engine.close()
    engine.close()


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(EngineFault) as caught:
        build(EngineChoice("nonsense"), JOBS)
    assert all(name in str(caught.value) for name in NAMES)


def test_choosing_imports_no_engine_but_the_chosen() -> None:
    code = (
        "import sys; import bot.engines; "
        "print([m for m in sys.modules if m.startswith('bot.engines.') and 'scripted' not in m "
        "and m not in ('bot.engines.voicechat', 'bot.engines.voicechat.choice')], "
        "[m for m in ('onnxruntime', 'torch', 'av') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"
