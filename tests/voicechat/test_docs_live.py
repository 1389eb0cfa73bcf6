"""The program of docs/s2s.md on loopback: sound in, as much sound out, and the next caller."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.voicechat.mel import frames_of

PAGE = Path(__file__).parents[2] / "docs" / "s2s.md"
GIVE_UP_S = 60.0


def call(port: int, pcm: np.ndarray) -> np.ndarray:
    """What is heard of it, int16."""
    with socket.create_connection(("127.0.0.1", port), GIVE_UP_S) as line:
        line.sendall(pcm.astype("<i2").tobytes())
        line.shutdown(socket.SHUT_WR)
        with line.makefile("rb") as sound:
            return np.frombuffer(sound.read(), "<i2")


def test_the_voice_behind_a_socket(original: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = re.search(r"```python\n(\"\"\"A voice behind.*?)```", PAGE.read_text("utf-8"), re.S)
    assert program is not None
    names: dict[str, Any] = {"__name__": "voice"}
    exec(compile(program[1], "voice.py", "exec"), names)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        with suppress(OSError):  # the listener is closed
            names["main"](str(original), listener)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    rng = np.random.default_rng(0)
    for samples in (16 * 1280, 5 * 1280 + 333, 0):
        heard = call(port, rng.integers(-3000, 3000, samples))
        assert len(heard) == 1764 * frames_of(samples)
        assert heard.any()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    server.join(GIVE_UP_S)
    assert not server.is_alive()
    assert capsys.readouterr().out
