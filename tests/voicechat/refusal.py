"""What ``open_checkpoint`` and ``check_values`` say of a spoilt checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.voicechat.checkpoint import open_checkpoint
from bot.voicechat.errors import CheckpointError


def refusal(folder: Path | str) -> CheckpointError:
    """What is said of it, at the latest when its values are read; in one line."""
    with pytest.raises(CheckpointError) as raised:
        open_checkpoint(folder).check_values()
    assert "\n" not in str(raised.value)
    return raised.value
