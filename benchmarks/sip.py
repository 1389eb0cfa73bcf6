"""Calls over SIP: what they cost, whether they drift, how soon they fall silent, how far they are.

    python -m benchmarks.sip cost [--calls 0 1 10 25 50 100] [--rates 8000 16000] [--seconds 10]
    python -m benchmarks.sip drift [--calls 25] [--seconds 600]
    python -m benchmarks.sip bargein [--times 60] [--seed 0]
    python -m benchmarks.sip echo [--pips 160]

Needs a pjsua2 and, but for the last two, SIPp (Debian: sip-tester). Beside each table stands the
machine's load. Ends with exit code 1 if a bar is not kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import sipbargein, sipcost, sipdrift, sipecho
from gateway.legs.sipbuild import look

WIDTH = 150


def main() -> int:
    """Run one part and print its table."""
    options = _options().parse_args()
    console = Console(width=WIDTH)
    build = look()
    if build is None:
        print("no pjsua2: make pjsua2", file=sys.stderr)
        return 2
    console.print(f"pjsua2: {build.tell()}", highlight=False)
    run = {"cost": _cost, "drift": _drift, "bargein": _bargein, "echo": _echo}[options.part]
    with tempfile.TemporaryDirectory() as name:
        good = run(options, Path(name), console, build.max_calls)
    return 0 if good else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    cost = parts.add_parser("cost", help="processor time of a call")
    cost.add_argument("--calls", type=int, nargs="+", default=[0, 1, 10, 25, 50, 100])
    cost.add_argument("--rates", type=int, nargs="+", choices=sipcost.RATES, default=[8_000])
    cost.add_argument("--seconds", type=float, default=10.0)
    drift = parts.add_parser("drift", help="both channels of long calls")
    drift.add_argument("--calls", type=int, default=25)
    drift.add_argument("--seconds", type=float, default=600.0)
    bargein = parts.add_parser("bargein", help="from a decision to silence on the wire")
    bargein.add_argument("--times", type=int, default=60)
    bargein.add_argument("--seed", type=int, default=0)
    echo = parts.add_parser("echo", help="round trip and packet spacing of the leg alone")
    echo.add_argument("--pips", type=int, default=160)
    return parser


def _cost(options: argparse.Namespace, folder: Path, console: Console, most: int) -> bool:
    counts = [calls for calls in options.calls if calls <= most]
    found = []
    for cost in sipcost.costs(folder, rates=options.rates, counts=counts, seconds=options.seconds):
        found.append(cost)  # minutes go by: say where we are
        print(f"{cost.rate} Hz, {cost.calls} calls: {100 * cost.told:.1f} %", file=sys.stderr)
    sipcost.show(console, found)
    return all(cost.good for cost in found)


def _drift(options: argparse.Namespace, folder: Path, console: Console, most: int) -> bool:
    found = sipdrift.soak(folder, calls=min(options.calls, most), seconds=options.seconds)
    sipdrift.show(console, found)
    return found.good


def _bargein(options: argparse.Namespace, folder: Path, console: Console, most: int) -> bool:
    callers = min(sipbargein.CALLERS, most)
    found = sipbargein.interrupt(folder, times=options.times, callers=callers, seed=options.seed)
    sipbargein.show(console, found)
    return found.good


def _echo(options: argparse.Namespace, folder: Path, console: Console, most: int) -> bool:
    found = sipecho.echoes(folder, pips=options.pips, callers=min(sipecho.CALLERS, most))
    sipecho.show(console, found)
    return all(len(echo.trips_ms) == echo.asked for echo in found)


if __name__ == "__main__":
    raise SystemExit(main())
