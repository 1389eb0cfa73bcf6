"""``parley serve`` in a process of its own, as users run it, for as long as it is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sipcpu import child_of
from benchmarks.sipload import free_port
from media.frame import Pcm

START_S = 60.0
STOP_S = 60.0
OPEN_DOORS = (
    "admission.calls_per_second=1000",
    "admission.burst=1000",
    "admission.half_open=1000",
    "limits.longest_call_s=100000",
    "limits.no_input_ms=100000000",
)


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that takes calls."""

    pid: int
    worker: int
    port: int
    calls_dir: Path

    def folders(self) -> dict[Path, dict[str, Any]]:
        """``call.json`` of every call that has ended, by the folder it lies in."""
        found = self.calls_dir.rglob("call.json")
        return {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in found}


@contextmanager
def served(folder: Path, *, seats: int, overrides: Sequence[str] = ()) -> Iterator[Served]:
    """Start it, wait until it is ready, and stop it at the end. ``SystemExit`` if it cannot."""
    folder.mkdir(parents=True, exist_ok=True)
    port, http, calls_dir = free_port(), free_port(), folder / "calls"
    words = [f"sip.port={port}", "sip.rtp_port_min=24000", "sip.rtp_port_max=27999"]
    words += [f"recording.dir={calls_dir}", f"bot.seats={seats}", *overrides]
    with parley_serve(words, http=http, log=folder / "log.txt") as pid:
        worker = child_of(pid, running="sipworker")
        if worker is None:
            raise SystemExit("parley serve: no SIP worker")
        yield Served(pid, worker, port, calls_dir)


@contextmanager
def parley_serve(words: Sequence[str], *, http: int, log: Path) -> Iterator[int]:
    """With these ``words`` and open doors; its process number, once port ``http`` is ready.

    Stopped at the end. ``SystemExit`` if it does not start.
    """
    command = [sys.executable, "-m", "gateway", "serve", f"http.port={http}", *OPEN_DOORS, *words]
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(process, http, log=log)
            yield process.pid
            process.terminate()
            process.wait(STOP_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def stereo(path: Path) -> tuple[Pcm, Pcm]:
    """Both channels of a recording."""
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return pcm[:, 0], pcm[:, 1]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
    """Until ``/readyz`` at ``port`` says so. ``SystemExit`` with the log's last line if not."""
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    said = log.read_text(encoding="utf-8").strip().splitlines()
    raise SystemExit(f"parley serve does not serve: {said[-1] if said else 'it said nothing'}")
