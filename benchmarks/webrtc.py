"""Calls from browsers: what they cost, how far they are, what becomes of them in bad networks.

    python -m benchmarks.webrtc cost [--calls 1 5 10 20 40] [--kinds leg …] [--rounds 1]
    python -m benchmarks.webrtc loss [--troubles "one packet" …]
    python -m benchmarks.webrtc echo [--seconds 20]

Beside our leg stands stock aiortc in the same run; nothing but loopback is used. Ends with exit
code 1 if a bar is not kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from benchmarks import webrtccost, webrtcecho, webrtcloss

WIDTH = 130


def main() -> int:
    """Run one part and print its table."""
    options = _options().parse_args()
    console = Console(width=WIDTH)
    console.print(
        f"aiortc {version('aiortc')}, PyAV {version('av')}, load {os.getloadavg()[0]:.1f} before",
        highlight=False,
    )
    run = {"cost": _cost, "loss": _loss, "echo": _echo}[options.part]
    return 0 if run(options, console) else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    cost = parts.add_parser("cost", help="processor time and memory of a call")
    cost.add_argument("--calls", type=int, nargs="+", default=[1, 5, 10, 20, 40])
    cost.add_argument(
        "--kinds", nargs="+", choices=webrtccost.KINDS, default=list(webrtccost.KINDS)
    )
    cost.add_argument("--seconds", type=float, default=8.0)
    cost.add_argument("--rounds", type=int, default=1)
    loss = parts.add_parser("loss", help="the caller's sound when packets get lost, or come late")
    troubles = [trouble.name for trouble in webrtcloss.TROUBLES]
    loss.add_argument("--troubles", nargs="+", choices=troubles, default=troubles)
    echo = parts.add_parser("echo", help="round trip and packet spacing of the leg alone")
    echo.add_argument("--seconds", type=float, default=20.0)
    return parser


def _cost(options: argparse.Namespace, console: Console) -> bool:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for cost in webrtccost.costs(
            Path(folder),
            kinds=options.kinds,
            counts=options.calls,
            seconds=options.seconds,
            rounds=options.rounds,
        ):
            found.append(cost)  # minutes go by: say where we are
            print(f"{cost.kind}, {cost.calls} calls: {100 * cost.per_call:.2f} %", file=sys.stderr)
    webrtccost.show(console, found)
    return all(cost.good for cost in found)


def _loss(options: argparse.Namespace, console: Console) -> bool:
    found = webrtcloss.damages(options.troubles)
    webrtcloss.show(console, found)
    return all(damage.good for damage in found)


def _echo(options: argparse.Namespace, console: Console) -> bool:
    found = webrtcecho.echoes(seconds=options.seconds)
    webrtcecho.show(console, found, seconds=options.seconds)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
