"""What an operator may do: an input of the inbox like any other, with who and when."""

from collections.abc import Mapping
from typing import Any

from uuid_utils.compat import uuid7

from store import outbox_record
from store.listings import work
from workers.app import App
from workers.bulk import SOURCE
from workers.running import NotPossibleError
from workers.verdicts import Verdict
from workflows.state import Record, iso


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
