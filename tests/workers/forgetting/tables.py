"""What is said of somebody, and every row of every table that may name them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from workers.trial import Trial
from workflows.state import iso

START = datetime(2027, 6, 1, 7, tzinfo=UTC)
NAMES = ("Lotte", "lotte@wal.example", "+31612345678", "You know me")


def say(
    trial: Trial, id_: str, kind: str, contact: str, ago: timedelta = timedelta(), **data: Any
) -> None:
    event = {
        "specversion": "1.0", "id": id_, "source": "test", "type": kind, "data": data,
        "time": iso(trial.clock.now() - ago), "subject": f"contact/{contact}",
    }  # fmt: skip
    (verdict,) = trial.app.publish([event])
    assert verdict.status == "accepted", verdict
    trial.advance(trial.clock.now() + timedelta(days=1))


def known(trial: Trial) -> None:
    say(trial, "1", "contact.updated", "c-17", first_name="Lotte", email="lotte@wal.example",
         phone="+31612345678", owner="u-sam")  # fmt: skip
    say(trial, "2", "nps.answered", "c-17", response="r-1", score=9, comment="You know me")
    say(trial, "3", "problem.solved", "c-17", ticket="t-1")
    say(trial, "4", "referral.submitted", "c-17", consent_to_contact=True, code="KEES-7K2",
         lead={"id": "l-tom", "name": "Tom", "email": "tom@polder.example"})  # fmt: skip
    say(trial, "5", "referral.submitted", "c-bo", consent_to_contact=True,
         lead={"id": "c-17", "name": "Lotte", "email": "lotte@wal.example"})  # fmt: skip
    say(trial, "6", "nps.answered", "c-17", response="r-2", score=3, comment="You know me")


def found(trial: Trial, statement: str) -> list[Any]:
    """Return rows: by the trial's own connection, which lets nobody else into its file."""
    with trial.store.reader() as conn:
        return list(conn.connection.cursor().execute(statement).fetchall())


def tables(trial: Trial) -> dict[str, str]:
    """Return every row of every table, as text."""
    names = found(trial, "SELECT name FROM sqlite_master WHERE type='table'")
    return {name: str(found(trial, f"SELECT * FROM {name}")) for (name,) in names}  # noqa: S608


def skipped(trial: Trial, contact: str) -> list[str]:
    with trial.store.reader() as conn:
        word = "SELECT reason FROM outbox WHERE \"to\" = ? AND template = 'ask_referral'"
        return [reason for (reason,) in conn.exec_driver_sql(word, (f"contact/{contact}",))]


def row(trial: Trial, words: str, *given: str) -> list[tuple[Any, ...]]:
    with trial.store.reader() as conn:
        return [tuple(row) for row in conn.exec_driver_sql(words, given)]
