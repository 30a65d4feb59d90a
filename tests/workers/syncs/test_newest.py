"""The way of a sync: collected, retried with the newest, repeated after a crash, given up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from store.dialect import table_of
from store.tables import OutboxRow
from tests.workers.syncs.speaking import targets_at
from tests.workers.tools import Tools
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import iso

SCORES = Path(__file__).parents[2] / "scenarios" / "programmes" / "scores"


@pytest.fixture
def trial(tmp_path: Path, port: int) -> Iterator[Trial]:
    """Give a trial whose syncs of `tool` go to a Mailchimp list for real."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the verifier reads the clock
    trial = Trial(tmp_path, now)
    trial.apply(load_programme(load_folder(SCORES)))
    trial._targets = targets_at(port)  # type: ignore[assignment]  # noqa: SLF001 - kept at a restart
    trial.restart()
    yield trial
    trial.close()


def _points(trial: Trial, points: int) -> None:
    _say(trial, "contact.updated", points=points, email="anna@acme.example")


def _say(trial: Trial, kind: str, **data: Any) -> None:
    now = trial.clock.now()
    trial.publish([{
        "specversion": "1.0", "id": f"{kind}-{iso(now)}-{data.get('points')}", "source": "test",
        "type": kind, "time": iso(now), "subject": "contact/c-a", "data": data,
    }])  # fmt: skip


def _rows(trial: Trial) -> list[Any]:
    with trial.store.reader() as conn:
        rows = conn.execute(sa.select(table_of(OutboxRow))).mappings()
        return [row for row in rows if row["to"] == "sync/tool"]


def _later(trial: Trial, **span: int) -> None:
    trial.advance(trial.clock.now() + timedelta(**span))


def _stars(tools: Tools) -> Any:
    return tools.members["anna@acme.example"].get("merge_fields", {}).get("POINTS")


def _to_list(tools: Tools) -> list[Any]:
    return [asked for asked in tools.asked if asked.method == "PATCH"]


def test_what_changes_within_the_window_is_one_request(tools: Tools, trial: Trial) -> None:
    """Two changes inside `collect` are one request, at its end, with the last value."""
    _points(trial, 20)
    _later(trial, minutes=3)
    _points(trial, 60)
    _later(trial, minutes=1, seconds=59)
    assert _to_list(tools) == []
    _later(trial, seconds=1)

    assert _stars(tools) == 60
    assert len(_to_list(tools)) == 1
    assert [row["status"] for row in _rows(trial)] == ["sent"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_retry_says_the_newest(status: int, tools: Tools, trial: Trial) -> None:
    """What changed since the refusal is in the next attempt; the older value is never sent."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.asked.clear()
    tools.failing = [(status, {})]
    _later(trial, seconds=1)
    _points(trial, 60)
    _later(trial, hours=1)

    assert _stars(tools) == 60
    bodies = [asked.body["merge_fields"]["POINTS"] for asked in _to_list(tools)]
    assert bodies == [20, 60]
    assert len(_rows(trial)) == 1


def test_retry_after_is_obeyed(tools: Tools, trial: Trial) -> None:
    """Who is asked for two hours waits two hours, though the first retry is after a minute."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(429, {"Retry-After": "7200"})]
    _later(trial, seconds=1)

    [row] = _rows(trial)
    assert row["due_at"] == trial.clock.now() + timedelta(hours=2)
    assert row["status"] == "pending"
    _later(trial, hours=2)
    assert _stars(tools) == 20


def test_a_change_during_the_request_follows_it(tools: Tools, trial: Trial) -> None:
    """What changes between the claim and the record is found different, and goes out next."""

    def change(_key: str) -> None:
        trial.app.deliverer.syncs.on_call = lambda _key: None
        _points(trial, 90)

    _points(trial, 20)
    trial.app.deliverer.syncs.on_call = change
    _later(trial, minutes=5)
    _later(trial, minutes=5)

    assert [asked.body["merge_fields"]["POINTS"] for asked in _to_list(tools)] == [20, 90]
    assert [row["status"] for row in _rows(trial)] == ["sent", "sent"]


def test_a_crash_after_the_answer_repeats_it(tools: Tools, trial: Trial) -> None:
    """What nobody recorded is said again, with what is newest by then."""

    class Died(BaseException):
        """The process dies right after the answer."""

    def die(_key: str) -> None:
        raise Died

    _points(trial, 20)
    trial.app.deliverer.syncs.on_call = die
    with pytest.raises(Died):
        _later(trial, minutes=5)
    trial.restart()
    trial.settle()

    assert len(_to_list(tools)) == 2
    assert _stars(tools) == 20
    assert [row["status"] for row in _rows(trial)] == ["sent"]


def test_what_is_refused_is_given_up_until_it_changes(tools: Tools, trial: Trial) -> None:
    """A field that the list does not have fails at once; the next value is a new try."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(400, {})]
    _later(trial, days=1)
    assert [(row["status"], row["reason"]) for row in _rows(trial)] == [("failed", "refused")]
    _points(trial, 30)
    _later(trial, minutes=5)

    assert _stars(tools) == 30


def test_attempts_end(tools: Tools, trial: Trial) -> None:
    """After the last retry it has failed, and an operator finds it."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(503, {})] * 20
    _later(trial, days=10)

    [row] = _rows(trial)
    assert (row["status"], row["reason"], row["attempts"]) == ("failed", "attempts", 8)


def test_what_waits_from_before_an_erasure_never_follows_something_newer(
    tools: Tools, trial: Trial
) -> None:
    """Somebody forgotten who came back is told of by a new row; the old one's retry is dropped."""
    _points(trial, 20)
    _later(trial, minutes=4, seconds=59)
    tools.failing = [(503, {})] * 4
    _later(trial, minutes=40)
    _say(trial, "contact.erase_requested")
    _later(trial, minutes=1)
    _say(trial, "optin.confirmed")
    _points(trial, 90)
    _later(trial, days=1)

    assert _stars(tools) == 90
    rows = sorted(_rows(trial), key=lambda row: str(row["key"]))
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("skipped", "overtaken"),
        ("sent", ""),
    ]


def test_a_target_without_address_waits_and_then_says_the_newest(
    tools: Tools, trial: Trial, port: int
) -> None:
    """Nothing fails while nobody said where it is; once it is said, the newest is sent."""
    targets = trial.app.deliverer.syncs.targets
    trial.app.deliverer.syncs.targets = targets_at(port, VOUCH_SYNC_TOOL="")
    _points(trial, 20)
    _later(trial, days=3)
    _points(trial, 70)
    assert [row["status"] for row in _rows(trial)] == ["pending"]
    trial.app.deliverer.syncs.targets = targets
    _later(trial, hours=1)

    assert _stars(tools) == 70
    assert len(_to_list(tools)) == 1
