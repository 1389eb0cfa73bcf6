"""The benchmarks of browsers' calls run, each as short as it can be, as those of SIP do."""

from __future__ import annotations

import pytest

from tests.peers.benchmarktable import check_table

pytestmark = [pytest.mark.peers, pytest.mark.alone, pytest.mark.live]


@pytest.mark.parametrize(
    ("words", "row"),
    [
        (("cost", "--calls", "2", "--seconds", "1"), r"gateway +│ +2 │ +\d"),
        (("loss", "--troubles", "one packet"), r"one packet +│ leg +│ +\d.+│ +4 │ +[0-4] │"),
        (("echo", "--seconds", "4"), r"leg +│ +\d{3} │ +\d"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_a_benchmark_makes_its_table(words: tuple[str, ...], row: str) -> None:
    check_table("benchmarks.webrtc", *words, row=row)
