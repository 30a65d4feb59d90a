"""Findings for programs and for eyes: JSON, SARIF, GitHub, and the caret."""

import json

from workflows.check.findings import Finding, render_github, render_json, render_sarif, render_text

FINDING = Finding(
    "V040", "error", "workflows/a,b.yaml", 3, 5, 8, "50% wrong", "do\nthis", "    abc"
)


def test_reports_for_programs() -> None:
    """JSON counts and lists; GitHub's commands are escaped; SARIF names its rules."""
    assert json.loads(render_json([FINDING])) == {
        "errors": 1,
        "warnings": 0,
        "findings": [
            {
                "code": "V040",
                "severity": "error",
                "file": "workflows/a,b.yaml",
                "line": 3,
                "column": 5,
                "end_column": 8,
                "message": "50% wrong",
                "help": "do\nthis",
            }
        ],
    }
    assert render_github([FINDING]) == (
        "::error file=workflows/a%2Cb.yaml,line=3,col=5,endColumn=7,title=V040"
        "::50%25 wrong%0Ahelp: do%0Athis"
    )
    run = json.loads(render_sarif([FINDING]))["runs"][0]
    assert run["tool"]["driver"]["rules"][0]["id"] == "V040"
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 3,
        "startColumn": 5,
        "endColumn": 8,
    }
    assert render_text([]) == render_github([]) == ""


def test_a_tab_before_the_place_keeps_the_caret_below() -> None:
    """What the source line has as a tab the caret's line has too."""
    finding = Finding("V050", "warning", "x.md", 12, 3, 4, "m", "", "\ta b")

    assert render_text([finding]).split("\n")[1:] == ["12 | \ta b", "   | \t ^"]
