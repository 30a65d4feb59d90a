"""A workflow as Mermaid's flowchart, which GitHub, GitLab and most wikis draw."""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from workflows.graph import LAST, Arm, Box, Counts, Picture

_SHAPES = {
    "ask": ("{{", "}}"), "task": ("[[", "]]"), "wait": ("(", ")"), "wait_for": ("(", ")"),
    "switch": ("{", "}"), "stop": ("([", "])"), "credit": ("[/", "/]"),
}  # fmt: skip
_PLAIN = ("[", "]")
_ROUND = ("([", "])")

Ends = list[tuple[str, str]]
"""Boxes that go on, and the words on the line by which they do."""


def to_mermaid(picture: Picture, counts: Counts | None = None) -> str:
    """Return a flowchart; with `counts`, how many runs there are where."""
    return "\n".join(_Drawing(counts).lines(picture)) + "\n"


@dataclass
class _Drawing:
    counts: Counts | None
    ids: dict[str, str] = field(default_factory=dict)

    def lines(self, picture: Picture) -> Iterator[str]:
        yield "---"
        yield f"title: {json.dumps(picture.title or picture.name, ensure_ascii=False)}"
        yield "---"
        yield "flowchart TD"
        start = picture.trigger
        if picture.condition:
            start += f"\nif {picture.condition}"
        if self.counts:
            start += f"\n{self.counts.started} runs"
        yield self.box("start", start, _ROUND)
        ends = yield from self.steps(picture.steps, [("start", "")])
        if ends:
            yield self.box("end_", f"end{self.ended(LAST)}", _ROUND)
            yield from self.edges(ends, "end_")
        if picture.exits:
            exits = (self.counts or Counts()).exits(picture.exits)
            text = "\n".join(("at any time", *exits))
            yield self.box("exits", text, _PLAIN)
            yield "  start -.- exits"

    def steps(self, steps: Sequence[Box], ends: Ends) -> Generator[str, None, Ends]:
        """Give the lines of a list of steps that `ends` lead to; return what goes on."""
        for box in steps:
            if not ends:
                break
            name = self.ids[box.name] = f"s{len(self.ids) + 1}"
            text = f"if {box.condition}\n{box.text}" if box.condition else box.text
            yield self.box(name, text + self.here(box), _SHAPES.get(box.kind, _PLAIN))
            yield from self.edges(ends, name)
            ends = []
            if box.goes_on and (box.kind != "stop" or box.condition):
                ends.append((name, box.otherwise))
            for arm in box.arms:
                ends += yield from self.arm(arm, name)
        return ends

    def arm(self, arm: Arm, name: str) -> Generator[str, None, Ends]:
        return (yield from self.steps(arm.steps, [(name, arm.label)]))

    def here(self, box: Box) -> str:
        if self.counts is None:
            return ""
        if box.kind == "stop":
            return self.ended(box.text)
        count = self.counts.waiting.get(box.name, 0)
        return f"\n{count} here" if count else ""

    def ended(self, name: str) -> str:
        count = self.counts.ended.get(name, 0) if self.counts else 0
        return f"\n{count} ended" if count else ""

    def box(self, name: str, text: str, shape: tuple[str, str]) -> str:
        return f"  {name}{shape[0]}{_quoted(text)}{shape[1]}"

    def edges(self, ends: Ends, to: str) -> Iterator[str]:
        for name, label in ends:
            yield f"  {name} -->{f'|{_quoted(label)}|' if label else ''} {to}"


def _quoted(text: str) -> str:
    """Return a text as Mermaid takes any text: in quotes, with entities for what it reads."""
    for char, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        text = text.replace(char, entity)
    return '"' + text.replace("\n", "<br>") + '"'
