"""A workflow as SVG of our own: the main story straight down, what deviates to its right.

A list of steps is a column whose line runs down its left half. An outcome with steps of its own
is a column to the right of all that stands before it; where it goes on, its line comes back.
Nothing ever crosses, whatever the workflow.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from workflows.graph import LAST, Arm, Box, Counts, Picture

WIDTH = 236
"""Of a box, in pixels."""
_GAP_X, _GAP_Y, _PAD, _LINE = 44, 30, 9, 16
_CHARS, _LINES = 32, 4
_SPINE = WIDTH // 2
_STYLE = """\
.b{fill:#fff;stroke:#8a94a6;stroke-width:1.2}.t{fill:#1c2430}.c{fill:#5b6675;font-style:italic}
.k{fill:#5b6675;font-size:10.5px;letter-spacing:.04em}.l{stroke:#8a94a6;stroke-width:1.4;fill:none}
.a{fill:#8a94a6}.o{fill:#33507a}.n{fill:#1f6f54}.nt{fill:#fff;font-weight:600;font-size:11px}
.ask{stroke:#7a5cc0}.task{stroke:#b0642a}.send,.journey{stroke:#33507a}
.wait,.wait_for{stroke:#8a94a6;stroke-dasharray:5 3}.stop{fill:#eef1f5}.credit{stroke:#1f6f54}
.exits{fill:none;stroke:#8a94a6;stroke-dasharray:2 3}.page{fill:#fbfcfd}
text{font:12px ui-sans-serif,system-ui,"Segoe UI",Roboto,sans-serif}
.h{font-size:15px;font-weight:600}
@media (prefers-color-scheme:dark){.page{fill:#14181f}.b{fill:#1d232d;stroke:#6d7889}
.t{fill:#e6eaf0}.c,.k{fill:#a3adbb}.l{stroke:#6d7889}.a{fill:#6d7889}.o{fill:#9dbbe6}
.stop{fill:#2a313c}.ask{stroke:#a48be0}.task{stroke:#d88b4e}.send,.journey{stroke:#7fa4d8}
.credit{stroke:#4fae8b}.wait,.wait_for{stroke:#8a94a6}}"""


def to_svg(picture: Picture, counts: Counts | None = None) -> str:
    """Return a drawing that stands alone; with `counts`, how many runs there are where."""
    return _Drawing(counts).whole(picture)


@dataclass(slots=True)
class _Place:
    """What a column came to: its right and lower edge, and whether its line goes on."""

    right: int
    bottom: int
    goes_on: bool


@dataclass(slots=True)
class _Drawing:
    counts: Counts | None
    lines: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)

    def whole(self, picture: Picture) -> str:
        left, top = 24, 60
        head = [(picture.trigger, "t")]
        if picture.condition:
            head += [(line, "c") for line in _wrapped(f"if {picture.condition}")]
        started = self.counts.started if self.counts else 0
        bottom = self.box(left, top, "starts on", head, "b", round_=True, count=started)
        right = max(left + WIDTH, left + 24 + 9 * len(picture.title or picture.name))
        if picture.exits:
            exits = (self.counts or Counts()).exits(picture.exits)
            right = max(right, self.exits(left + WIDTH + _GAP_X, top, exits))
            bottom = max(bottom, top + self.exits_height(exits))
        self.down(left + _SPINE, top + self.height(head), bottom)
        place = self.column(picture.steps, left, bottom)
        lowest = place.bottom
        if place.goes_on:
            y = lowest + _GAP_Y
            self.down(left + _SPINE, lowest, y, arrow=True)
            count = self.counts.ended.get(LAST, 0) if self.counts else 0
            lowest = self.box(left, y, "", [("end", "t")], "b stop", round_=True, count=count)
        width, height = max(right, place.right) + 24, lowest + 24
        title = escape(picture.title or picture.name)
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        caption = escape(picture.name)
        if self.counts:
            caption += " · in green: runs started, here now, ended here"
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
                f"<style>{_STYLE}</style>",
                f'<rect class="page" width="{width}" height="{height}"/>',
                f'<text class="t h" x="{left}" y="28">{title}</text>',
                f'<text class="k" x="{left}" y="46">{caption}</text>',
                *self.lines,
                *self.boxes,
                "</svg>\n",
            )
        )

    # -- columns ------------------------------------------------------------------------------

    def column(self, steps: Sequence[Box], x: int, y: int) -> _Place:
        """Draw a list of steps whose line arrives at `y`; return what it came to."""
        right, goes_on = x + WIDTH, True
        for box in steps:
            self.down(x + _SPINE, y, y + _GAP_Y, arrow=True)
            y += _GAP_Y
            said = box.text.removeprefix(box.kind.replace("_", " ")).strip()
            text = [(line, "t") for line in _wrapped(said)] if said else []
            if box.condition:
                text = [*((line, "c") for line in _wrapped(f"if {box.condition}")), *text]
            shape = f"b {box.kind}"
            bottom = self.box(
                x, y, box.kind, text, shape, round_=box.kind == "stop", count=self.count(box)
            )
            place = _Place(right, bottom, goes_on=True)
            if box.arms:
                place = self.arms(box, x, y, bottom)
            right, y = max(right, place.right), place.bottom
            goes_on = place.goes_on and not box.ends
            if not goes_on:
                break
        return _Place(right, y, goes_on)

    def arms(self, box: Box, x: int, top: int, bottom: int) -> _Place:
        """Draw the outcomes of a step beside it; return where its line goes on below them."""
        middle = top + (bottom - top) // 2
        column, lowest = x + WIDTH + _GAP_X, bottom
        joins: list[tuple[int, int]] = []
        for arm in box.arms:
            place = self.arm(arm, x + WIDTH, column, middle, bottom)
            lowest = max(lowest, place.bottom)
            if place.goes_on:
                joins.append((column + _SPINE, place.bottom))
            column = place.right + _GAP_X
        after = lowest + (_GAP_Y if joins else 0)
        if box.goes_on:
            self.label(x + _SPINE + 6, bottom + 14, box.otherwise)
            self.down(x + _SPINE, bottom, after)
        for at, y in joins:
            self.lines.append(f'<path class="l" d="M{at} {y}V{after}H{x + _SPINE}"/>')
        return _Place(column - _GAP_X, after, box.goes_on or bool(joins))

    def arm(self, arm: Arm, start: int, x: int, middle: int, bottom: int) -> _Place:
        at = x + _SPINE
        words = _wrapped(arm.label)
        below = bottom + _LINE * (len(words) - 1)
        self.lines.append(f'<path class="l" d="M{start} {middle}H{at}V{below}"/>')
        for number, line in enumerate(words):
            self.label(at + 6, middle + 14 + number * _LINE, line)
        below = max(below, middle + 4 + len(words) * _LINE)
        self.down(at, bottom, below)
        return self.column(arm.steps, x, below)

    # -- parts --------------------------------------------------------------------------------

    def count(self, box: Box) -> int:
        if self.counts is None:
            return 0
        if box.kind == "stop":
            return self.counts.ended.get(box.text, 0)
        return self.counts.waiting.get(box.name, 0)

    @staticmethod
    def height(text: Sequence[tuple[str, str]], *, kind: bool = True) -> int:
        return 2 * _PAD + _LINE * (len(text) + (1 if kind else 0)) - 3

    def box(
        self,
        x: int,
        y: int,
        kind: str,
        text: Sequence[tuple[str, str]],
        shape: str,
        *,
        round_: bool = False,
        count: int = 0,
    ) -> int:
        """Draw a box; return its lower edge."""
        height = self.height(text, kind=bool(kind))
        radius = min(height // 2, 18) if round_ else 5
        self.boxes.append(
            f'<rect class="{shape}" x="{x}" y="{y}" width="{WIDTH}" height="{height}" '
            f'rx="{radius}"/>'
        )
        at = y + _PAD + 9
        if kind:
            word = escape(kind.replace("_", " "))
            self.boxes.append(f'<text class="k" x="{x + 12}" y="{at}">{word}</text>')
            at += _LINE
        for line, style in text:
            self.boxes.append(f'<text class="{style}" x="{x + 12}" y="{at}">{escape(line)}</text>')
            at += _LINE
        if count:
            width = 14 + 7 * len(str(count))
            left = x + WIDTH - width + 6
            self.boxes.append(
                f'<rect class="n" x="{left}" y="{y - 9}" width="{width}" height="18" rx="9"/>'
                f'<text class="nt" x="{left + 7}" y="{y + 4}">{count}</text>'
            )
        return y + height

    def exits_height(self, exits: Sequence[str]) -> int:
        return self.height([(line, "t") for out in exits for line in _wrapped(out)])

    def exits(self, x: int, y: int, exits: Sequence[str]) -> int:
        text = [(line, "t") for out in exits for line in _wrapped(out)]
        self.box(x, y, "ends at any time", text, "exits")
        return x + WIDTH

    def down(self, x: int, y: int, to: int, *, arrow: bool = False) -> None:
        if to > y:
            self.lines.append(f'<path class="l" d="M{x} {y}V{to}"/>')
        if arrow:
            self.lines.append(f'<path class="a" d="M{x - 4} {to - 7}h8l-4 7z"/>')

    def label(self, x: int, y: int, text: str) -> None:
        if text:
            self.boxes.append(f'<text class="o" x="{x}" y="{y}">{escape(text)}</text>')


def _wrapped(text: str) -> list[str]:
    """Return a text in lines that fit a box; what does not fit is cut."""
    lines = textwrap.wrap(text, _CHARS, break_long_words=True, break_on_hyphens=False) or [""]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], f"{lines[_LINES - 1][: _CHARS - 1]}…"]
    return lines
