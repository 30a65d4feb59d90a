"""Expected beside actual: every section that a scenario names, complete, with the reasons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workers.scenarios.local import to_utc
from workers.scenarios.matching import in_order, local, pair_up, row_fits, same, shown
from workers.scenarios.observe import Observed, Row
from workers.scenarios.play import Way
from workers.scenarios.reading import Story
from workers.scenarios.reasons import why
from workers.scenarios.same_person import remaining, renamed
from workers.scenarios.seen import Seen
from workflows.fields import sure_of, told_contact
from workflows.state import Doc

IN_ANOTHER_ORDER = "the rows are right and stand in another order than they happened"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise than expected.

    Attributes:
        expected: The row as written; None for one that nobody expected.
        actual: The row most like it; None where there is none.
        why: The reason that was recorded, '' where nothing says.
        place: File and line of the row that was expected.
    """

    section: str
    expected: Any
    actual: Any
    why: str = ""
    place: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as reports have it."""
        return {
            "section": self.section, "expected": self.expected, "actual": self.actual,
            "why": self.why,
        }  # fmt: skip


def differences(story: Story, seen: Seen, observed: Observed, way: Way) -> list[Difference]:
    """Return every difference of the sections that the scenario names."""
    found: list[Difference] = []
    for section, expected in story.scenario.expect.items():
        if section == "metrics":
            found += _metrics(expected, observed)
        elif section in ("contacts", "balances"):
            found += _looked_up(story, seen, section, expected)
        elif section != "duplicates" or way == "as_written":
            rows = observed.rows[section]
            found += _rows(story, seen, section, expected, rows)
    return found


def _rows(
    story: Story, seen: Seen, section: str, expected: list[dict[str, Any]], rows: list[Row]
) -> Iterator[Difference]:
    zone = story.zone
    if in_order(expected, rows, zone):
        return
    names = remaining(seen)
    wanted_rows, actual = renamed(expected, rows, names) if names else (expected, rows)
    if names and in_order(wanted_rows, actual, zone):
        return
    found = pair_up(wanted_rows, actual, zone)
    for i, j in found:
        wanted = None if i is None else expected[i]
        row = None if j is None else rows[j]
        came = row and shown(row, zone, fields=tuple(wanted or ()))
        said = why(section, wanted, row, seen, zone)
        yield Difference(section, wanted, came, said, _place(story, section, i))
    if not found:
        actual_rows = [shown(row, zone, fields=()) for row in sorted(rows, key=lambda r: r.firsts)]
        yield Difference(section, expected, actual_rows, IN_ANOTHER_ORDER)


def _place(story: Story, section: str, row: int | None) -> str:
    """Return where a row was expected, or else its section."""
    if story.document is None:
        return ""
    loc = ("expect", section) if row is None else ("expect", section, row)
    spot = story.document.key_position(loc) if row is None else story.document.position(loc)
    return f"{story.file}:{spot.line}"


# -- what is true of a contact at an instant -------------------------------------------------------


def _looked_up(
    story: Story, seen: Seen, section: str, expected: list[dict[str, Any]]
) -> Iterator[Difference]:
    zone = story.zone
    for wanted in expected:
        docs = seen.contacts
        if wanted.get("at"):
            docs = seen.then.get(to_utc(wanted["at"], zone), {})
        doc = docs.get(wanted["contact"])
        told = {"contact": wanted["contact"], "at": wanted.get("at")}
        values = {**(_balance(doc) if section == "balances" else doc or {}), **told}
        row = Row(values, ())
        if doc is not None and row_fits(wanted, row, zone):
            continue
        if doc and section == "contacts":
            row = Row(values := _whole(story, doc, told), ())
            if row_fits(wanted, row, zone):
                continue
        if doc is None:
            reason = f'nobody knows a contact "{wanted["contact"]}"'
            yield Difference(section, wanted, None, reason)
        else:
            actual = {name: local(values.get(name), zone) for name in wanted}
            reason = why(section, wanted, row, seen, zone)
            yield Difference(section, wanted, actual, reason)


def _whole(story: Story, doc: Doc, told: Doc) -> Doc:
    """Return a contact with what its fields are without a value: its first level, its band."""
    policies = story.loaded.policies
    levels = policies.tiers.levels if policies.tiers else {}
    return {**told_contact(doc, sure_of(policies.fields.contact, levels)), **told}


def _balance(doc: Doc | None) -> dict[str, int]:
    held: Mapping[str, int] = (doc or {}).get("balance", {})
    return {bucket: held.get(bucket, 0) for bucket in ("pending", "available", "paid", *held)}


def _metrics(expected: Mapping[str, Any], observed: Observed) -> Iterator[Difference]:
    for name, number in expected.items():
        found = observed.metrics[name]
        if number != found:
            yield Difference("metrics", {name: number}, {name: found})


# -- the three ways --------------------------------------------------------------------------------


def between_ways(story: Story, way: Way, first: Observed, other: Observed) -> list[Difference]:
    """Return what one way of playing gives otherwise than the story as written."""
    zone = story.zone
    note = f"the story as written gives the first, {_WORDS[way]} the second"
    found: list[Difference] = []
    for section, rows in first.rows.items():
        if section == "duplicates":
            continue
        one = [local(row.values, zone) for row in rows]
        two = [local(row.values, zone) for row in other.rows[section]]
        only_one = _without(one, two)
        only_two = _without(two, one)
        for number in range(max(len(only_one), len(only_two))):
            expected = only_one[number] if number < len(only_one) else None
            actual = only_two[number] if number < len(only_two) else None
            found.append(Difference(section, expected, actual, note))
    for name, value in first.metrics.items():
        if not same(value, other.metrics[name], zone):
            other_value = other.metrics[name]
            found.append(Difference("metrics", {name: value}, {name: other_value}, note))
    return found


def _without(rows: list[Any], others: list[Any]) -> list[Any]:
    left = list(others)
    found = []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            found.append(row)
    return found


_WORDS: Mapping[Way, str] = {
    "as_written": "the story as written",
    "twice": "every event delivered twice",
    "crashes": "a crash after each call and commit",
}
