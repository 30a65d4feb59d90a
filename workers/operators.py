"""What an operator may do: an input of the inbox like any other, with who and when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from uuid_utils.compat import uuid7

from store import holding, outbox_record
from store.intake import accept
from store.listings import work
from workers import bulk
from workers.app import App
from workers.bulk import SOURCE, Row
from workers.running import NotPossibleError
from workers.verdicts import Verdict
from workflows.state import Record, iso, slice_of

REDELIVERED = ("failed", "in_doubt")
"""The statuses from which a message may go again."""


def one_task(app: App, key: str) -> dict[str, Any]:
    """Return the open task that something is done to.

    Raises:
        NotPossibleError: There is no such task, or it is closed.
    """
    with app.store.reader() as conn:
        task = work.task(conn, key)
    if task is None:
        raise NotPossibleError(f"there is no task {key!r}", hint="see: vouch tasks list")
    if task["status"] != "open":
        raise NotPossibleError(
            f"the task is {task['status']} already", hint="open ones: vouch tasks list"
        )
    return task


def change_task(
    app: App, kind: str, key: str, *, by: str, data: Mapping[str, str] | None = None
) -> Verdict:
    """Publish what somebody did with an open task; `kind` is an event type, `task.closed` say.

    Raises:
        NotPossibleError: There is no such task, it is closed, or a field is missing that the
            task requires, or nobody of the staff is called so.
    """
    task, given = one_task(app, key), dict(data or {})
    if kind == "task.closed":
        _require(task, given)
    (verdict,) = change_tasks(app, kind, [task], by=by, data=given)
    return verdict


def change_tasks(
    app: App, kind: str, rows: Sequence[Row], *, by: str, data: Mapping[str, str]
) -> list[Verdict]:
    """Publish what somebody did with each of these tasks.

    Raises:
        NotPossibleError: Nobody of the staff is called so.
    """
    if kind == "task.reassigned":
        _require_staff(app, data["to"])
    events: list[dict[str, Any]] = [
        {
            "specversion": "1.0", "id": str(uuid7()), "source": SOURCE, "type": kind,
            "time": iso(app.clock.now()), "data": {**data, "task": row["key"], "by": by},
        }
        for row in rows
    ]  # fmt: skip
    return app.publish(events)


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


def one_message(app: App, key: str) -> dict[str, Any]:
    """Return the message that may go again.

    Raises:
        NotPossibleError: There is no such message, it has neither failed nor is in doubt, or
            its words are gone.
    """
    with app.store.reader() as conn:
        message = work.message(conn, key)
    if message is None:
        raise NotPossibleError(f"there is no message {key!r}", hint="see: vouch outbox list")
    if message["status"] not in REDELIVERED:
        raise NotPossibleError(
            f"the message is {message['status']}: only failed ones and those in doubt go again",
            hint="see: vouch outbox list --status failed",
        )
    if not message["doc"]:
        raise NotPossibleError(
            "the message is empty: it is older than is kept, or its contact was erased",
            hint="docs/operating.md, How long is it kept?",
        )
    return message


def redeliver(app: App, rows: Sequence[Row], *, by: str) -> int:
    """Let messages leave once more, with all their attempts; return how many."""
    now, count = app.clock.now(), 0
    with app.store.transaction() as conn:
        for row in rows:
            look = {"did": "redelivered", "by": by, "message": row["key"]}
            record = Record(
                row["actor"], now, row["key"],
                {"type": "message.redelivered", "looked": [look], "facts": []},
            )  # fmt: skip
            done = outbox_record.redeliver(conn, row["key"], by=by, now=now, records=[record])
            count += done is not None
    if count:
        app.bell.ring_deliver()
    return count


def hold(app: App, *, by: str) -> None:
    """Let no message leave until it is released."""
    now = app.clock.now()
    line = bulk.audit("outbox hold", {}, meant=1, by=by, now=now)
    with app.store.transaction() as conn:
        holding.hold(conn, now=now, reason=f"held by {by}")
        accept(conn, [line])
    app.bell.ring_drain([slice_of(line.actors[0])])


def release(app: App, *, doubtful_before: datetime | None, by: str) -> int:
    """Let messages leave again; return how many are in doubt first."""
    now = app.clock.now()
    before = iso(doubtful_before) if doubtful_before else ""
    line = bulk.audit("outbox release", {"doubtful_before": before}, meant=1, by=by, now=now)
    with app.store.transaction() as conn:
        doubted = holding.release(conn, doubtful_before=doubtful_before, now=now)
        accept(conn, [line])
    app.bell.ring_drain([slice_of(line.actors[0])])
    app.bell.ring_deliver()
    return doubted


def held(app: App, *, doubtful_before: datetime | None) -> tuple[str, int]:
    """Return why messages are held, '' if they are not, and how many a release puts in doubt."""
    with app.store.reader() as conn:
        seen = holding.look(conn)
        doubted = holding.doubtful(conn, doubtful_before) if doubtful_before else 0
    return (seen.reason or holding.MOVED) if seen.is_held else "", doubted


def resolve(app: App, key: str, *, sent: bool, by: str) -> None:
    """Settle a message in doubt: it was sent, or it was not and is free to leave.

    Raises:
        NotPossibleError: It is not in doubt.
    """
    if not app.resolve_key(key, sent=sent, by=by):
        raise NotPossibleError(
            f"{key!r} is not in doubt", hint="see: vouch outbox list --status in_doubt"
        )
