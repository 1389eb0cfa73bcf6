"""The SIP benchmarks run, each as short as it can be; what they find is no matter of a test."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest

from tests.peers.benchmarktable import check_table

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
    pytest.mark.skipif(shutil.which("sipp") is None, reason="no sipp is installed"),
]


@pytest.mark.parametrize(
    ("words", "row"),
    [
        (("cost", "--calls", "2", "--seconds", "1"), r"8 kHz │ +2 │"),
        (("drift", "--calls", "2", "--seconds", "24"), r"pips heard, echoed +│ +4\d, 4\d "),
        (("bargein", "--times", "4"), r"│ +4 │ +4 │|│ +5 │ +5 │"),
        (("echo", "--pips", "8"), r"leg, echoed in the gateway │ +8 │ +8 │"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_a_benchmark_makes_its_table(words: tuple[str, ...], row: str) -> None:
    check_table("benchmarks.sip", *words, row=row)
