"""Step times by number of calls as a drawing: SVG, without a library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 90, 30, 50
FRAME_MS = 80.0
CURVES = ((50, "p50", "#1b6ca8"), (99, "p99", "#c2571a"), (99.9, "p99.9", "#7a1f1f"))


def write(file: Path, steps: Mapping[int, Sequence[float]]) -> None:
    """Milliseconds of steps, by calls; an older ``file`` is replaced."""
    file.write_text(drawing(steps), encoding="utf-8")


def drawing(steps: Mapping[int, Sequence[float]]) -> str:
    """Calls to the right, in doublings; milliseconds upwards, with a line at a frame's 80."""
    calls = sorted(steps)
    tops = [float(np.percentile(steps[n], 99.9)) for n in calls]
    highest = 20.0 * np.ceil(max([FRAME_MS, *tops]) * 1.05 / 20)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_axes(calls, highest),
    ]
    for share, name, colour in CURVES:
        heights = [float(np.percentile(steps[n], share)) for n in calls]
        parts += _curve(calls, heights, highest=highest, name=name, colour=colour)
    return "\n".join([*parts, "</svg>\n"])


def _across(place: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / max(1, count)


def _up(ms: float, highest: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ms / highest


def _axes(calls: Sequence[int], highest: float) -> Iterator[str]:
    for ms in np.linspace(0, highest, 5):
        y = _up(float(ms), highest)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{ms:.0f}</text>'
    y = _up(FRAME_MS, highest)
    yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="black" stroke-dasharray="4"/>'
    yield f'<text x="{WIDTH - RIGHT + 6}" y="{y + 4:.1f}">a frame</text>'
    for place, count in enumerate(calls):
        x = _across(place, len(calls))
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{count}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle:.1f}" y="{HEIGHT - 10}" text-anchor="middle">calls at a time</text>'
    yield f'<text x="{LEFT}" y="{TOP - 12}">a step, milliseconds</text>'


def _curve(
    calls: Sequence[int], heights: Sequence[float], *, highest: float, name: str, colour: str
) -> Iterator[str]:
    places = [(_across(n, len(calls)), _up(ms, highest)) for n, ms in enumerate(heights)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
    if places:
        x, y = places[-1]
        yield f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>'
