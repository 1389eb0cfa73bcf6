"""What all tests share: virtual time for coroutines, and hypothesis without luck or clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from media.virtualtime import VirtualTimeLoop

# Derandomised: the same examples in every run, so that a red test stays red until it is mended.
settings.register_profile("parley", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("parley")

WITHOUT_TORCH = find_spec("torch") is None or find_spec("transformers") is None
collect_ignore = ["voicechat"] if WITHOUT_TORCH else []


def pytest_addoption(parser: pytest.Parser) -> None:
    cases = Path(__file__).parent / "golden" / "voicechat"
    parser.addoption("--golden", type=Path, default=cases, help="the model's golden cases")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WITHOUT_TORCH:
        terminalreporter.write_line("without the model's tests: make test-voicechat adds torch")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Coroutine tests run in virtual time, so that waiting costs nothing; ``live`` opts out."""
    if item.get_closest_marker("live") is not None:
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}
