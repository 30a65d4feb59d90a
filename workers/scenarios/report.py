"""Reports of a run of scenarios: for people, for programs, for build servers."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from workers.scenarios import coverage as covering
from workers.scenarios.compare import Difference
from workers.scenarios.suite import Report, ScenarioResult
from workflows.check.findings import errors_of, render_text

COLUMN_MAX = 44
"""How wide a value stands beside another; longer ones are cut, JSON has them whole."""
_ABSENT = "-"

Row = Mapping[str, Any] | None


def to_json(report: Report, *, coverage: bool = False) -> str:
    """Return the report as LANGUAGE section 11 has it; with `coverage`, one key more."""
    told: dict[str, Any] = {
        "passed": report.passed,
        "failed": report.failed,
        "scenarios": [
            {
                "file": result.file,
                "scenario": result.scenario,
                "passed": result.passed,
                "ways": [{"way": way.way, "passed": way.passed} for way in result.ways],
                "differences": [each.to_json() for each in result.differences],
            }
            for result in report.results
        ],
    }
    if coverage:
        told["coverage"] = covering.to_json(report.covered)
    return json.dumps(told, ensure_ascii=False, indent=2)


# -- for people ------------------------------------------------------------------------------------


def to_text(report: Report, *, coverage: bool = False) -> str:
    """Return the report as people read it: what differs side by side, with the reason."""
    lines: list[str] = []
    for result in report.results:
        lines.append(f"{'passed' if result.passed else 'FAILED'}  {result.file}  {result.scenario}")
        if not result.passed:
            lines += _failed(result)
    lines += _missing_words(report)
    if coverage:
        lines += [*covering.to_text(report.covered), ""]
    none = "" if report.results else ": there is no scenario, so nothing was tried"
    lines.append(f"{report.passed} passed, {report.failed} failed{none}")
    return "\n".join(lines)


def _missing_words(report: Report) -> Iterator[str]:
    """Give a line for each template that nobody wrote: what was played sent its name."""
    missing = {
        f"warning: {finding.message}; {finding.help}"
        for result in report.results
        for finding in result.findings
        if finding.code == "V051" and finding.severity == "warning"
    }
    yield from sorted(missing)


def _failed(result: ScenarioResult) -> Iterator[str]:
    if errors_of(result.findings) and not result.ways:
        yield render_text(errors_of(result.findings))
        yield ""
        return
    if result.error:
        yield f"  {result.error}"
    said: list[Difference] = []
    for way in result.ways:
        new = [each for each in way.differences if each not in said]
        said += new
        if new:
            yield f"  {way.way.replace('_', ' ')}:"
        for difference in new:
            yield from ("    " + line for line in _side_by_side(difference))
    yield ""


def _side_by_side(difference: Difference) -> Iterator[str]:
    """Give a difference as a table: a line a field, marked where the two differ."""
    expected, actual = difference.expected, difference.actual
    if not isinstance(expected, Mapping) and not isinstance(actual, Mapping):
        yield difference.section
        yield f"  expected  {_cell(expected)}"
        yield f"  actual    {_cell(actual)}"
    else:
        yield from _table(difference.section, expected, actual)
    if difference.why:
        yield f"  why: {difference.why}"
    if difference.place:
        yield f"  at: {difference.place}"


def _table(section: str, expected: Row, actual: Row) -> Iterator[str]:
    left, right = expected or {}, actual or {}
    names = [*left, *(name for name in right if name not in left)]
    width = max((len(str(name)) for name in names), default=0)
    cells = [_cut(left.get(name, _ABSENT)) for name in names]
    column = max((len(cell) for cell in [*cells, "expected"]), default=0)
    heads = (
        "expected" if expected is not None else "nothing expected",
        "actual" if actual is not None else "nothing came out",
    )
    yield f"{section:{width + 2}}  {heads[0]:{column}}  {heads[1]}"
    for name, cell in zip(names, cells, strict=True):
        differs = name in left and left[name] != right.get(name)
        mark = "<" if differs and actual is not None else ""
        there = _cut(right.get(name, _ABSENT)) if actual is not None else ""
        yield f"  {name!s:{width}}  {cell:{column}}  {there} {mark}".rstrip()


def _cell(value: Any) -> str:  # noqa: ANN401 - whatever a row holds
    if isinstance(value, str):
        return value
    return _ABSENT if value is None else json.dumps(value, ensure_ascii=False)


def _cut(value: Any) -> str:  # noqa: ANN401 - whatever a row holds
    text = _cell(value)
    return text if len(text) <= COLUMN_MAX else f"{text[: COLUMN_MAX - 1]}…"


# -- for build servers -----------------------------------------------------------------------------


def to_junit(report: Report, *, coverage: bool = False) -> str:
    """Return the report as JUnit XML: a test case for every scenario and way.

    The form has no place for coverage but properties.
    """
    cases = [case for result in report.results for case in _cases(result)]
    failed = sum("<failure" in case for case in cases)
    head = f'<testsuite name="vouch" tests="{len(cases)}" failures="{failed}">'
    body = "\n".join([*(_properties(report) if coverage else ()), *cases])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{body}\n</testsuite>\n'


def _properties(report: Report) -> Iterator[str]:
    yield "  <properties>"
    for each in covering.to_json(report.covered):
        for what in ("steps", "outcomes"):
            share = f"{each[what]['reached']}/{each[what]['all']}"
            name = _xml(f"coverage.{each['workflow']}.{what}")
            yield f'    <property name="{name}" value="{share}"/>'
    yield "  </properties>"


def _cases(result: ScenarioResult) -> Iterator[str]:
    if result.error or not result.ways:
        yield _case(result, "form", tuple(result.differences))
        return
    for way in result.ways:
        yield _case(result, way.way, way.differences)


def _case(result: ScenarioResult, way: str, found: tuple[Difference, ...]) -> str:
    name = _xml(f"{result.scenario} ({way.replace('_', ' ')})")
    head = f'  <testcase classname="{_xml(result.file)}" name="{name}"'
    if not found:
        return f"{head}/>"
    text = "\n".join(line for each in found for line in _side_by_side(each))
    message = f"{len(found)} differences, the first in {found[0].section}"
    return f'{head}>\n    <failure message="{_xml(message)}">{_xml(text)}</failure>\n  </testcase>'


def _xml(text: str) -> str:
    """Return a text as XML may hold it: escaped, without characters that XML has no form for."""
    return escape("".join(c for c in text if c.isprintable() or c in "\n\t"))
