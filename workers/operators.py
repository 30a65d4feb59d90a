"""What an operator may do: an input of the inbox like any other, with who and when."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from uuid_utils.compat import uuid7

from events.errors import VouchError
from store import outbox_record
from store.intake import Arrival
from store.intake import accept as accept_events
from store.listings import work
from workers.app import App
from workers.verdicts import Verdict
from workflows.state import Doc, Record, iso, slice_of

SOURCE: Final = "vouch/operator"
NOW: Final = timedelta(0)


class NotPossibleError(VouchError):
    """What an operator asks for cannot be done to this run, task or message."""

    code = "not-possible"


def cancel_run(app: App, run_id: str, *, by: str, as_: str = "cancelled") -> bool:
    """End a live run as an exit would; False if that was asked for before.

    Raises:
        NotPossibleError: There is no such run, or it has ended.
    """
    with app.store.reader() as conn:
        run = work.run(conn, run_id)
    if run is None:
        raise NotPossibleError(f"there is no run {run_id!r}", hint="see: vouch runs list")
    if run["status"] != "live":
        raise NotPossibleError(
            f"the run has ended already, as {run['ended_as']}",
            hint="live ones: vouch runs list --status live",
        )
    now = app.clock.now()
    kind, _, name = run["actor"].partition("/")
    doc: Doc = {
        "id": f"run.cancel/{run_id}", "source": SOURCE, "type": "run.cancel", "time": iso(now),
        "contact": name if kind == "contact" else "", "account": name if kind == "account" else "",
        "lead": "", "data": {"run": run_id, "as": as_, "by": by}, "natural_key": "",
    }  # fmt: skip
    arrival = Arrival(
        id=doc["id"], source=SOURCE, type=doc["type"], time=now, arrived=now, doc=doc,
        actors=(run["actor"],), contact=doc["contact"],
    )  # fmt: skip
    with app.store.transaction() as conn:
        (fresh,) = accept_events(conn, [arrival])
    app.bell.ring_drain([slice_of(run["actor"])])
    return fresh


def change_task(
    app: App, kind: str, key: str, *, by: str, data: Mapping[str, str] | None = None
) -> Verdict:
    """Publish what somebody did with an open task; `kind` is an event type, `task.closed` say.

    Raises:
        NotPossibleError: There is no such task, it is closed, or a field is missing that the
            task requires, or nobody of the staff is called so.
    """
    with app.store.reader() as conn:
        task = work.task(conn, key)
    if task is None:
        raise NotPossibleError(f"there is no task {key!r}", hint="see: vouch tasks list")
    if task["status"] != "open":
        raise NotPossibleError(
            f"the task is {task['status']} already", hint="open ones: vouch tasks list"
        )
    given = dict(data or {})
    if kind == "task.closed":
        _require(task, given)
    if kind == "task.reassigned":
        _require_staff(app, given["to"])
    event: dict[str, Any] = {
        "specversion": "1.0", "id": str(uuid7()), "source": SOURCE, "type": kind,
        "time": iso(app.clock.now()), "data": {**given, "task": key, "by": by},
    }  # fmt: skip
    (verdict,) = app.publish([event])
    return verdict


def _require(task: Mapping[str, Any], given: Mapping[str, str]) -> None:
    missing = [name for name in task["doc"].get("requires", ()) if not given.get(name)]
    if missing:
        raise NotPossibleError(
            f"the task requires {', '.join(missing)}",
            hint=" ".join(f"--field {name}=..." for name in missing),
        )


def _require_staff(app: App, person: str) -> None:
    staff = app.programmes.current().programme.policies.staff
    if person not in staff:
        raise NotPossibleError(
            f"nobody of the staff is called {person!r}",
            hint=f"the programme knows {', '.join(sorted(staff)) or 'nobody'}",
        )
    if staff[person].left:
        raise NotPossibleError(f"{person} has left", hint="hand it to somebody else")


def redeliver(app: App, key: str, *, by: str) -> None:
    """Let a message that failed or is in doubt leave once more, with all its attempts.

    Raises:
        NotPossibleError: There is no such message, or it is neither.
    """
    now = app.clock.now()
    with app.store.reader() as conn:
        message = work.message(conn, key)
    if message is None:
        raise NotPossibleError(f"there is no message {key!r}", hint="see: vouch outbox list")
    record = Record(
        message["actor"], now, key, {"type": "message.redelivered", "by": by, "facts": []}
    )
    with app.store.transaction() as conn:
        done = outbox_record.redeliver(conn, key, by=by, now=now, records=[record])
    if done is None:
        raise NotPossibleError(
            f"the message is {message['status']}: only failed ones and those in doubt go again",
            hint="see: vouch outbox list --status failed",
        )
    app.bell.ring_deliver()


def resolve(app: App, key: str, *, sent: bool, by: str) -> None:
    """Settle a message in doubt: it was sent, or it was not and is free to leave.

    Raises:
        NotPossibleError: It is not in doubt.
    """
    if not app.resolve_key(key, sent=sent, by=by):
        raise NotPossibleError(
            f"{key!r} is not in doubt", hint="see: vouch outbox list --status in_doubt"
        )
