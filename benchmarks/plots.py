"""Plots without a library: SVG written as text, and PNG where a Chromium is there to draw it.

A plotting library would be the heaviest thing in the development lock, for three pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.figures_of.report import spelt
from tests.processes import ServiceUnavailableError
from tests.services import chromium

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 90, 190, 50, 60
COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#787774")
TICKS = 5

Point = tuple[float, float, float, float]
"""Where on the axis, and there the least, the median and the most."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture.

    Attributes:
        lines: Points by name.
        logarithmic: Whether the vertical axis is; the horizontal one is by rank, so that
            one, ten and a thousand stand side by side.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Sequence[Point]]
    logarithmic: bool = False


def svg(plot: Plot) -> str:
    """Return the picture as SVG."""
    places = sorted({point[0] for line in plot.lines.values() for point in line})
    most = max(point[3] for line in plot.lines.values() for point in line)
    least = min(point[1] for line in plot.lines.values() for point in line)
    low = least / 2 if plot.logarithmic else 0.0
    high = most * 1.1

    def x(place: float) -> float:
        step = (WIDTH - LEFT - RIGHT) / max(1, len(places) - 1)
        return LEFT + places.index(place) * step

    def y(value: float) -> float:
        part = (
            (log10(value) - log10(low)) / (log10(high) - log10(low))
            if plot.logarithmic
            else (value - low) / (high - low)
        )
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def value_at(tick: int) -> float:
        part = tick / TICKS
        return low * (high / low) ** part if plot.logarithmic else low + part * (high - low)

    parts = [_text(LEFT, 28, plot.title, size=17), _text(LEFT, HEIGHT - 14, plot.across)]
    parts.append(_text(8, TOP - 6, plot.up))
    for value in map(value_at, range(TICKS + 1)):
        parts.append(_line(LEFT, y(value), WIDTH - RIGHT, y(value), "#ddd"))
        parts.append(_text(LEFT - 8, y(value) + 4, spelt(value), anchor="end"))
    parts += [
        _text(x(place), HEIGHT - BOTTOM + 20, f"{place:,g}", anchor="middle") for place in places
    ]
    for number, (name, points) in enumerate(plot.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x(at):.1f},{y(middle):.1f}" for at, _, middle, _ in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for at, lowest, middle, highest in points:
            parts.append(_line(x(at), y(lowest), x(at), y(highest), colour))
            parts.append(f'<circle cx="{x(at):.1f}" cy="{y(middle):.1f}" r="4" fill="{colour}"/>')
        row = TOP + 20 * number + 10
        parts.append(_text(WIDTH - RIGHT + 20, row, name, colour=colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _text(
    x: float, y: float, words: str, *, size: int = 12, anchor: str = "start", colour: str = "#333"
) -> str:
    style = f'font-size="{size}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"/>'


def write(plots: Mapping[str, Plot], folder: Path) -> list[Path]:
    """Write the pictures into a folder: SVG always, PNG where a Chromium is on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {folder / f"{name}.svg": svg(plot) for name, plot in plots.items()}
    for path, words in drawn.items():
        path.write_text(words)
    try:
        return [*drawn, *_rastered(drawn)]
    except ServiceUnavailableError:
        return list(drawn)


def _rastered(drawn: Mapping[Path, str]) -> list[Path]:
    made = []
    with chromium() as path, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for file, words in drawn.items():
            page.set_content(f'<body style="margin:0">{words}</body>')
            page.screenshot(path=file.with_suffix(".png"))
            made.append(file.with_suffix(".png"))
        browser.close()
    return made
