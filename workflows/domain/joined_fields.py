"""Who several records of one person say that they are: every field, by what each record said.

What a record came with is older than every word; a recommendation fills in what it lacks.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflows.domain import joined
from workflows.state import Doc, Run, instant
from workflows.turn import Turn

_ADDRESSES = ("email", "phone")
MET = ("name", "email", "phone", "company")
"""What a recommendation says of a lead."""


def settle(turn: Turn) -> None:
    """Have the document say of every field what is true of all records together."""
    for field in sorted({name for each in turn.doc["records"].values() for name in each["fields"]}):
        _true(turn, field)
    _also(turn.doc, "")


def seen(turn: Turn, field: str, record: str, since: datetime) -> Any:  # noqa: ANN401
    """Return what a field was under a record at an instant, or has been said to be since then.

    What a merge brought since then is not counted, but for what was said after it.
    """
    doc, records = turn.doc, turn.doc["records"]
    one = {name for name in records if instant(joined.together(doc, record, name)) <= since}
    if record not in one:
        return doc.get(joined.key_of(field))
    then, later = {}, []
    for name, known in records.items():
        said = known["fields"].get(field)
        if said and instant(said[0]) > max(since, instant(joined.together(doc, record, name))):
            later.append(said)
        elif name in one:
            then[name] = known
    if later:
        return max(later, key=lambda each: instant(each[0]))[1]
    top = next(name for name, known in then.items() if known.get("into", "") not in one)
    cut = {name: _cut(known, one) for name, known in then.items()}
    told = joined.tell(cut, top, "fields", field, joined.primary)
    return told and told[1]


def _cut(known: Doc, one: set[str]) -> Doc:
    if known.get("into") in one:
        return known
    return {name: value for name, value in known.items() if name != "into"}


def field_said(turn: Turn, field: str, value: Any, event: Doc) -> tuple[bool, bool]:  # noqa: ANN401
    """Take over a word on a field as far as it counts.

    Returns whether it is the newest of its record, and whether the field is another one now.
    """
    key, doc, records = joined.key_of(field), turn.doc, turn.doc["records"]
    if key in doc and not any(field in each["fields"] for each in records.values()):
        records[turn.contact]["fields"][field] = [
            doc.get("times", {}).get(field, joined.ALWAYS),
            doc[key],
        ]
    record = records[joined.record_of(doc, event) or turn.contact]
    before, was = doc.get(key), record["fields"].get(field, ("", ""))[1]
    if not joined.says(turn, "fields", field, value, instant(event["time"]), event):
        return False, False
    _true(turn, field)
    if field in _ADDRESSES:
        _also(doc, was)
    return True, doc.get(key) != before


def noted(turn: Turn, field: str, value: Any, run: Run) -> None:  # noqa: ANN401
    """Keep what a run noted on a field, so that a late word of a record counts beside it."""
    if joined.is_one(turn):
        joined.says(turn, "fields", field, value, instant(run.doc["time"]), run.doc["trigger"])


def met(turn: Turn, lead: Mapping[str, str], event: Doc) -> None:
    """Fill in what is not known of the record under which somebody was recommended."""
    record = turn.doc["records"][joined.record_of(turn.doc, event) or turn.contact]
    for field in MET:
        value, since = lead.get(field), record["met"].get(joined.key_of(field), "")
        at, known = record["fields"].get(field, (joined.ALWAYS, ""))
        sooner = since != "" and instant(event["time"]) < instant(since) and at == joined.ALWAYS
        if value and (not known or sooner):
            record["fields"][field], record["met"][joined.key_of(field)] = (
                [at, value],
                event["time"],
            )
            _true(turn, field)
            if field in _ADDRESSES:
                _also(turn.doc, known if sooner else "")


def _true(turn: Turn, field: str) -> None:
    told = joined.tell(turn.doc["records"], turn.contact, "fields", field, joined.primary)
    if told is not None:
        at, turn.doc[joined.key_of(field)] = told
        if at != joined.ALWAYS:
            turn.doc.setdefault("times", {})[field] = at


def _also(doc: Doc, gone: str) -> None:
    """Have a person be known by every record's address, but not by one that was corrected."""
    every = {
        each["fields"].get(name, ("", ""))[1]
        for each in doc["records"].values() for name in _ADDRESSES
    } - {None, ""}  # fmt: skip
    now = {doc.get(name) for name in _ADDRESSES}
    also = {*doc.get("also", ()), *every} - ({gone} - every) - now
    if also or "also" in doc:
        doc["also"] = sorted(also)
