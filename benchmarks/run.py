"""``make bench``: every benchmark, its table kept in ``benchmarks/results/NAME.txt``.

    python -m benchmarks.run [NAME…] [-- ARGUMENTS]

About twenty-five minutes on two cores. Each file begins with the command and what it ran on.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from media.clock import perf, wall_utc

RESULTS = Path(__file__).parent / "results"
BENCHMARKS = {
    "replay-scripted": ("benchmarks.replay",),
    "replay-embedded": ("benchmarks.replay", "--engine", "embedded"),
    "latency-timed": ("benchmarks.embedded",),
    "latency-live": ("benchmarks.embedded", "--live", "--rounds", "1"),
    "bargein": ("benchmarks.bargein",),
    "speech": ("benchmarks.stt",),
    "kill9": ("benchmarks.kill9",),
    "memory-scripted": ("benchmarks.memory",),
    "memory-embedded": ("benchmarks.memory", "--engine", "embedded"),
    "callindex": ("benchmarks.callindex",),
    "webrtc-cost": ("benchmarks.webrtc", "cost"),
    "webrtc-loss": ("benchmarks.webrtc", "loss"),
    "webrtc-echo": ("benchmarks.webrtc", "echo"),
}
# These need what `make test-peers` installs, and run when they are named.
NAMED = {
    "peers": ("benchmarks.peers",),
    "sip-cost": ("benchmarks.sip", "cost", "--rates", "8000", "16000"),
    "sip-drift": ("benchmarks.sip", "drift"),
    "sip-bargein": ("benchmarks.sip", "bargein"),
    "sip-echo": ("benchmarks.sip", "echo"),
    # What `make test-voicechat` installs. On a GPU machine, where little else is installed, the
    # module is run by itself.
    "voicechat-step-cpu": (
        *("benchmarks.voicechat_step", "--device", "cpu", "--dtype", "float32"),
        *("--frames", "200", "--rows", "1", "2", "4", "8", "16", "32"),
    ),
    "voicechat-estimate": ("benchmarks.voicechat_calls", "--estimate"),
    "voicechat-calls-cpu": (
        *("benchmarks.voicechat_calls", "--device", "cpu", "--dtype", "float32"),
        *("--plot", "benchmarks/results/voicechat-calls-cpu.svg"),
    ),
}
ALL = BENCHMARKS | NAMED


def run(name: str, more: list[str]) -> int:
    """Run one, show and keep what it prints; its exit code."""
    words = [*ALL[name], *more]
    began = perf()
    print(f"== {name}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout, flush=True)
    head = (
        f"$ python -m {' '.join(words)}\n"
        f"{wall_utc():%Y-%m-%d}, Python {platform.python_version()}, "
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"{perf() - began:.0f} s, exit code {done.returncode}\n\n"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.txt").write_text(head + done.stdout, encoding="utf-8")
    return done.returncode


def main() -> int:
    """The worst exit code of all."""
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    names, more = words[:split] or list(BENCHMARKS), words[split + 1 :]
    if unknown := [name for name in names if name not in ALL]:
        print(f"no benchmark {unknown[0]}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    return max(run(name, more) for name in names)


if __name__ == "__main__":
    raise SystemExit(main())
