"""A line that stands a space too far in or out is found itself, not where YAML notices."""

import pytest

from tests.replay import LIBRARY
from workflows.check.findings import Finding
from workflows.folder import Folder
from workflows.load import load_programme


def _form(path: str, text: str) -> list[Finding]:
    loaded = load_programme(Folder({path: text}))
    return [found for found in loaded.findings if found.file == path]


def _moved(text: str, number: int, by: int) -> str:
    lines = text.split("\n")
    line = lines[number]
    lines[number] = " " * by + line if by > 0 else line.removeprefix(" " * -by)
    return "\n".join(lines)


@pytest.mark.parametrize(("by", "share"), [(-2, 0.8), (-1, 0.98), (1, 0.98), (2, 0.9)])
def test_the_line_that_was_moved_is_the_one_that_is_told(by: int, share: float) -> None:
    """Two spaces can be right another way, so that some are found one line off."""
    right = near = told = 0
    for file in sorted((LIBRARY / "workflows").glob("*.yaml")):
        text = file.read_text()
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if not line.strip() or (by < 0 and not line.startswith(" " * -by)):
                continue
            found = _form(f"workflows/{file.name}", _moved(text, number, by))
            if found and found[0].code == "V001":
                told += 1
                right += found[0].line == number + 1
                near += abs(found[0].line - number - 1) == 1

    assert told
    assert right >= told * share
    assert right + near >= told * 0.9


@pytest.mark.parametrize(
    ("lines", "line", "helps"),
    [
        (["steps:", "  - task:", "      to: a", "     due: 2d", "      title: x"], 4, "6 or 4"),
        (["steps:", "  - task:", "     to: a", "      due: 2d", "      title: x"], 3, "by 6"),
        (["steps:", "  - task:", "       to: a", "      due: 2d", "      title: x"], 3, "by 6"),
        (["steps:", "  - wait: 3d", "- wait: 4d"], 3, "by 2"),
        (["steps:", "  - wait: 3d", "    id: a", "    - wait: 4d"], 4, "by 2"),
        (["trigger:", "  event: a", " if: b"], 3, "2 or 0"),
        (["trigger: {event: a}", " steps: []"], 2, "at the margin"),
        (["steps:", "  - ask:", "      send:", "        - a", "          - b"], 5, "as far as"),
    ],
)
def test_the_remedy_names_the_columns(lines: list[str], line: int, helps: str) -> None:
    """Where two are as near, both are named."""
    (found,) = _form("workflows/w.yaml", "\n".join(["workflow: w", *lines, ""]))

    assert (found.code, found.line - 1) == ("V001", line)
    assert helps in found.help
