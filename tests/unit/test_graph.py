"""Pictures of workflows: every step, outcome and exit is in them, and what leads where."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.markdown import ROOT
from tests.unit.broken.programmes import flow
from workflows.check.context import Place
from workflows.check.site import steps_of
from workflows.folder import Folder
from workflows.graph import Counts, picture_of
from workflows.graph_mermaid import to_mermaid
from workflows.graph_svg import to_svg
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded

LIBRARY = load_programme(load_folder(ROOT / "workflows" / "library"))
STORY = flow(
    "x",
    "  - {id: ask, ask: {kind: quote, template: ask, within: 3d}}\n"
    "  - wait_for: {event: story.given, within: 3d}\n"
    "    then:\n"
    "      story.given: [{send: {template: hi, class: transactional}}]\n"
    "      timeout:\n"
    "        - switch:\n"
    "            - {if: contact.name == 'A \"B\" <C>', steps: [{stop: late}]}\n"
    "            - {steps: [{wait: 1d}]}\n"
    "  - {id: bye, set: {vip: true}}\n",
    more="exit:\n  - {event: contact.unsubscribed, as: left}\n",
)


def loaded(text: str) -> Loaded:
    return load_programme(Folder({"workflows/x.yaml": text}))


def test_mermaid_says_what_leads_where() -> None:
    """Outcomes with steps lead to them, all others on; a stop leads nowhere."""
    lines = to_mermaid(picture_of(loaded(STORY).workflows["x"])).splitlines()

    boxes = dict(re.findall(r"^  (\w+)[\[({/]+(.*?)[\])}/]+$", line)[0] for line in lines[4:]
                 if "-->" not in line and "-.-" not in line)  # fmt: skip
    assert boxes["start"] == '"quote.given"'
    assert boxes["s1"] == '"ask for quote"'
    assert boxes["s5"] == '"late"'
    edges = [line.strip() for line in lines if "-->" in line]
    assert edges == [
        "start --> s1",
        "s1 --> s2",
        's2 -->|"story.given"| s3',
        's2 -->|"timeout"| s4',
        "s4 -->|\"contact.name == 'A #quot;B#quot; #lt;C#gt;'\"| s5",
        's4 -->|"else"| s6',
        "s3 --> s7",
        "s6 --> s7",
        "s7 --> end_",
    ]
    assert "  start -.- exits" in lines


def test_runs_are_counted_where_they_are() -> None:
    """Started at the trigger, here at a step, ended at a stop, the end and the exits."""
    counts = Counts(30, {"ask": 7}, {"late": 5, "done": 11, "left": 7})
    text = to_mermaid(picture_of(loaded(STORY).workflows["x"]), counts)

    assert "quote.given<br>30 runs" in text
    assert "ask for quote<br>7 here" in text
    assert "late<br>5 ended" in text
    assert "end<br>11 ended" in text
    assert "left (7 ended)" in text
    drawn = texts(to_svg(picture_of(loaded(STORY).workflows["x"]), counts))
    assert {"30", "7", "5", "11"} <= set(drawn)


def texts(svg: str) -> list[str]:
    root = ET.fromstring(svg)  # noqa: S314 - our own
    return [found.text or "" for found in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", sorted(LIBRARY.workflows))
def test_every_step_is_drawn_inside_the_page_and_apart(name: str) -> None:
    """No box lies over another, or outside of the drawing."""
    workflow = LIBRARY.workflows[name]
    svg = to_svg(picture_of(workflow), Counts(3, {}, {}))
    root = ET.fromstring(svg)  # noqa: S314 - our own
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    rects = [
        tuple(int(found.attrib[key]) for key in ("x", "y", "width", "height"))
        for found in root.iter("{http://www.w3.org/2000/svg}rect")
        if found.attrib["class"].startswith("b ") or found.attrib["class"] in ("b", "exits")
    ]

    steps = list(steps_of(workflow.steps, Place("w")))
    assert len(rects) >= len(steps) + 1
    for number, (x, y, w, h) in enumerate(rects):
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
        for x2, y2, w2, h2 in rects[:number]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_a_text_is_never_markup() -> None:
    """What a workflow says is text in the drawing, whatever it holds."""
    svg = to_svg(picture_of(loaded(STORY).workflows["x"]))

    assert any('"B"' in text and "<C>" in text for text in (" ".join(texts(svg)),))
