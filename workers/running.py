"""What operators may say to runs and asks: pause, resume, cancel, retry, move, withdraw."""

from collections.abc import Mapping, Sequence
from typing import Any

from events.errors import VouchError
from store.db import Connection
from store.listings import work
from store.rows import OPEN_ASKS
from workers.app import App
from workers.bulk import PAGE, Many, Row, Word, say
from workflows.migration import Given
from workflows.state import Doc, iso

VERBS: Mapping[str, frozenset[str]] = {
    "pause": frozenset({"live"}),
    "resume": frozenset({"paused"}),
    "cancel": frozenset({"live", "paused"}),
    "retry": frozenset({"ended"}),
}
"""What may be said to a run, and in which statuses it may be said."""


class NotPossibleError(VouchError):
    """What an operator asks for cannot be done to this run, task or message."""

    code = "not-possible"


def one_run(app: App, id_: str, verb: str) -> dict[str, Any]:
    """Return the run that something is said to.

    Raises:
        NotPossibleError: There is no such run, or nothing of that can be said to it now.
    """
    with app.store.reader() as conn:
        run = work.run(conn, id_)
    if run is None:
        raise NotPossibleError(f"there is no run {id_!r}", hint="see: vouch runs list")
    if verb == "retry" and run["ended_as"] != "failed":
        raise NotPossibleError(
            f"only runs that failed are retried, and this one is {_state(run)}",
            hint="failed ones: vouch runs list --ended-as failed",
        )
    if verb == "retry" and run["doc"].get("emptied"):
        raise NotPossibleError(
            "what the run knew is gone: it is older than is kept",
            hint="docs/operating.md, How long is it kept?",
        )
    if run["status"] not in VERBS[verb]:
        raise NotPossibleError(
            f"the run is {_state(run)}",
            hint=f"vouch runs list --status {'paused' if verb == 'resume' else 'live'}",
        )
    return run


def _state(run: Row) -> str:
    return f"ended already, as {run['ended_as']}" if run["status"] == "ended" else run["status"]


def say_to_runs(app: App, verb: str, rows: Sequence[Row], *, by: str, **data: str) -> int:
    """Say pause, resume or cancel to runs; return to how many it was not said before."""
    # A run can be paused more than once, and ends only once.
    mark = "" if verb == "cancel" else f"/{iso(app.clock.now())}"
    words = [
        Word(f"run.{verb}", f"run.{verb}/{row['id']}{mark}", row["actor"],
             {"run": row["id"], **data})
        for row in rows
    ]  # fmt: skip
    return say(app, words, by=by)


def retry_runs(app: App, rows: Sequence[Row], *, by: str, step: str = "") -> int:
    """Have failed runs take a step anew: the one they failed in, or the one named.

    Raises:
        NotPossibleError: The step is none of the version of one of these runs.
    """
    words = []
    with app.store.reader() as conn:
        for each in rows:
            run = work.run(conn, each["id"])
            if run is None or run["ended_as"] != "failed" or run["doc"].get("emptied"):
                continue  # somebody was faster, or its words are gone
            words.append(_retry(run, step))
    return say(app, words, by=by)


def _retry(run: Mapping[str, Any], step: str) -> Word:
    doc = run["doc"]
    names = ("id", "workflow", "version", "per")
    row: Doc = {name: run[name] for name in names} | {"started_at": iso(run["started_at"])}
    data: Doc = {"run": run["id"], "step": step or doc.get("at", ""), "row": {**row, "doc": doc}}
    mark = f"run.retry/{run['id']}/{doc.get('retries', 0) + 1}"
    return Word("run.retry", mark, run["actor"], data)


def move_runs(app: App, rows: Sequence[Row], *, by: str, to: str, steps: Given, mark: str) -> int:
    """Tell runs to go over to another version; `mark` tells one migration from the next."""
    words = [
        Word("run.migrate", f"run.migrate/{row['id']}/{to}/{mark}", row["actor"],
             {"run": row["id"], "version": to, "steps": dict(steps)})
        for row in rows
    ]  # fmt: skip
    return say(app, words, by=by)


def one_ask(app: App, key: str) -> dict[str, Any]:
    """Return the ask that is to be withdrawn.

    Raises:
        NotPossibleError: There is no such ask, or it is closed.
    """
    with app.store.reader() as conn:
        ask = work.ask(conn, key)
    if ask is None:
        raise NotPossibleError(f"there is no ask {key!r}", hint="see: vouch asks list")
    if ask["status"] not in OPEN_ASKS:
        raise NotPossibleError(f"the ask is {ask['status']}", hint="vouch asks list --status open")
    return ask


def withdraw_asks(app: App, rows: Sequence[Row], *, by: str) -> int:
    """Take asks back; their runs go on with `withdrawn`."""
    words = [
        Word("ask.withdraw", f"ask.withdraw/{row['key']}", row["actor"], {"ask": row["key"]})
        for row in rows
    ]
    return say(app, words, by=by)


def moving(app: App, workflow: str, *, to: str, steps: Given, by: str, mark: str) -> Many:
    """Return the leading over of all live runs of a workflow that have another version."""

    def page(conn: Connection, after: str) -> list[Row]:
        found: list[Row] = []
        for status in sorted(VERBS["cancel"]):
            found += work.runs(conn, workflow=workflow, status=status, after=after, page=PAGE)
        return sorted(found, key=lambda row: str(row["id"]))[: PAGE.limit]

    def act(rows: Sequence[Row]) -> int:
        older = [row for row in rows if row["version"] != to]
        return move_runs(app, older, by=by, to=to, steps=steps, mark=mark)

    return Many("apply --migrate", {"workflow": workflow, "to": to}, page, "id", act)
