"""One thing that is wrong in a file, and how findings are printed.

Lines and columns count from 1, in characters. `end_column` is the column after the last character
concerned, so that `end_column - column` is its width.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workflows.check.codes import CODES

Severity = Literal["error", "warning"]

SOURCE_LINE_MAX = 400
"""A longer source line is cut when shown: the finding still names its column."""

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, where it stands and what to do about it.

    Attributes:
        code: Stable name, explained in `workflows.check.codes`.
        severity: An error keeps the programme from being applied, a warning does not.
        file: Relative to the programme.
        line: From 1.
        column: From 1, in characters.
        end_column: The column after the last character concerned.
        message: What is wrong.
        help: The remedy; '' when the message says it all.
        source_line: The line of the file, to show.
    """

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    end_column: int
    message: str
    help: str = ""
    source_line: str = ""

    @property
    def order(self) -> tuple[int, str, int, int, str, str]:
        """What findings are sorted by: what others follow from first; then the place."""
        kind = self.file.partition("/")[0]
        rank = _FOLLOWS.index(kind) if kind in _FOLLOWS else 0
        return (rank, self.file, self.line, self.column, self.code, self.message)


_FOLLOWS = ("programme.yaml", "events", "sources", "workflows", "templates", "scenarios")
"""A programme's files, causes first: a mistake in one may show in those after it."""


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, causes first, by file, line and column; of two the same, the first."""
    found: dict[tuple[int, str, int, int, str, str], Finding] = {}
    for finding in findings:
        found.setdefault(finding.order, finding)
    return [finding for _, finding in sorted(found.items(), key=lambda item: item[0])]


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that keep a programme from being applied."""
    return [finding for finding in findings if finding.severity == "error"]


def render_text(findings: Sequence[Finding]) -> str:
    """Return the findings as a compiler prints them, a blank line between two; '' for none."""
    return "\n\n".join(_as_text(finding) for finding in findings)


def _as_text(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}:{finding.column}"
    lines = [f"{place}: {finding.severity}[{finding.code}]: {finding.message}"]
    source = finding.source_line[:SOURCE_LINE_MAX]
    if source:
        number = str(finding.line)
        # A tab before the place stays a tab, so that the caret stands under it in any editor.
        indent = "".join("\t" if c == "\t" else " " for c in source[: finding.column - 1])
        width = max(min(finding.end_column, len(source) + 1) - finding.column, 1)
        lines.append(f"{number} | {source}")
        lines.append(f"{' ' * len(number)} | {indent}{'^' * width}")
    if finding.help:
        lines.append(f"  help: {finding.help}")
    return "\n".join(lines)


def render_json(findings: Sequence[Finding]) -> str:
    """Return the findings as one JSON object with counts, for programs."""
    shown = [
        {
            "code": finding.code,
            "severity": finding.severity,
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
            "end_column": finding.end_column,
            "message": finding.message,
            "help": finding.help,
        }
        for finding in findings
    ]
    errors = len(errors_of(findings))
    counts = {"errors": errors, "warnings": len(findings) - errors}
    return json.dumps({**counts, "findings": shown}, ensure_ascii=False, indent=2)


def render_github(findings: Sequence[Finding]) -> str:
    """Return the findings as workflow commands, which GitHub shows beside the changed lines."""
    return "\n".join(_as_command(finding) for finding in findings)


def _as_command(finding: Finding) -> str:
    last = max(finding.end_column - 1, finding.column)  # GitHub includes the last column
    place = (
        f"file={_property(finding.file)},line={finding.line},col={finding.column},"
        f"endColumn={last},title={_property(finding.code)}"
    )
    text = f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message
    return f"::{finding.severity} {place}::{_command_data(text)}"


def _command_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command_data(text).replace(":", "%3A").replace(",", "%2C")


def render_sarif(findings: Sequence[Finding]) -> str:
    """Return the findings as SARIF 2.1.0, which code scanning tools read."""
    codes = sorted({finding.code for finding in findings})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CODES[code].title},
            "fullDescription": {"text": CODES[code].explanation},
        }
        for code in codes
    ]
    driver = {"name": "vouch", "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_as_result(finding) for finding in findings]}
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2)


def _as_result(finding: Finding) -> dict[str, Any]:
    text = f"{finding.message}. {finding.help}" if finding.help else finding.message
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endColumn": max(finding.end_column, finding.column + 1),
    }
    location = {"artifactLocation": {"uri": finding.file}, "region": region}
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }
