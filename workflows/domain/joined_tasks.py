"""What there was to do under each record of a person: tasks alike that a merge meets.

A task bears under which record it was opened, and since when there was something to do. What was
done after a merge is remembered, since a task alike may be heard late that was open then too.
"""

from collections.abc import Iterator
from datetime import datetime

from workflows.domain import joined, joined_fields
from workflows.people import Found, find_role
from workflows.state import Doc, Run, Task, instant, iso
from workflows.turn import Turn

DONE_MAX = 20
"""Tasks of a record that were done after a merge, kept to be met by one that is heard late."""

Kind = tuple[str, str, str]


def kind_of(task: Task) -> Kind:
    """Return what makes two tasks alike: the step, and whom it is about."""
    return task.workflow, task.step, str(task.doc.get("about", ""))


def opens(turn: Turn, run: Run, since: datetime) -> Doc:
    """Return since when there is something to do, and under which record.

    Where that is older than a merge, the task is to meet it.
    """
    doc: Doc = {"since": iso(since)}
    if joined.is_one(turn):
        if of := run.doc.get("of") or joined.record_of(turn.doc, run.doc["trigger"]):
            doc["of"] = of
        turn.meets |= any(since <= at for at, _, _ in joined.merges(turn))
    return doc


def find(turn: Turn, role: str, run: Run | None, about: Doc | None, doc: Doc) -> Found:
    """Return whose a task is: by who looked after the record it was opened under, since then.

    A merge moves no task that somebody has; a later word on whom either record is with does.
    `doc` is the task's document.
    """
    if about is None and joined.is_one(turn) and "since" in doc:
        record = doc.get("of") or turn.contact
        owner = joined_fields.seen(turn, "owner", record, instant(doc["since"]))
        found = find_role(turn, role, run=run, contact={"owner": owner or ""})
        if found.person:
            return found
    return find_role(turn, role, run=run, about=about)


def closed(turn: Turn, task: Task) -> None:
    """Remember what was to be done before a merge and is done: a task alike may be heard late."""
    if not joined.is_one(turn) or "since" not in task.doc or task.doc.get("reason") == "merged":
        return
    since = instant(task.doc["since"])
    if any(since <= at < turn.time for at, _, _ in joined.merges(turn)):
        record = turn.doc["records"].get(task.doc.get("of") or turn.contact, {})
        done = record.setdefault("done", [])
        done.append([list(kind_of(task)), task.key, task.doc["since"], iso(turn.time)])
        del done[:-DONE_MAX]
        turn.save()


def done(turn: Turn, kind: Kind) -> Iterator[tuple[str, str, str, str]]:
    """Give what is done of a kind: by which record, its key, since when, and when it was done."""
    for record, known in turn.doc.get("records", {}).items():
        for what, key, since, until in known.get("done", ()):
            if tuple(what) == kind:
                yield record, key, since, until
