"""What operators say to runs and asks: an input like any other, and what follows from it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from store.listings import facts, work
from store.listings.pages import Page
from tests.workers.changing import DAY, START, Stage, on_stage
from workers import bulk, running
from workflows.guard import PAUSED_LOOK


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Give a programme under way, and Anna."""
    with on_stage(tmp_path) as stage:
        stage.knows()
        yield stage


def test_a_paused_run_goes_on_from_when_its_step_ended(stage: Stage) -> None:
    """The wait ends while it is paused: nothing follows, and later all counts from that end."""
    stage.happens("project.delivered", project_id="p")
    stage.advance(START + DAY)
    stage.say("pause")
    stage.advance(START + 5 * DAY)

    assert stage.run()["status"] == "paused"
    assert stage.due() == []

    stage.say("resume")

    assert stage.run()["status"] == "live"
    assert stage.due() == [("hear", START + 8 * DAY)]


def test_a_run_resumed_before_its_step_ended_waits_as_before(stage: Stage) -> None:
    """A pause that ends in time shifts nothing."""
    stage.happens("project.delivered", project_id="p")
    stage.say("pause")
    stage.advance(START + DAY)
    stage.say("resume")

    assert stage.due() == [("rest", START + 3 * DAY)]


@pytest.mark.parametrize(("day", "outcome"), [(7, "compliment.given"), (9, "timeout")])
def test_what_happens_in_a_pause_counts_in_its_order(day: int, outcome: str, stage: Stage) -> None:
    """An event before the limit is heard, one after it is too late, paused or not."""
    stage.happens("project.delivered", project_id="p")
    stage.advance(START + 4 * DAY)
    stage.say("pause")
    stage.advance(START + day * DAY)
    stage.happens("compliment.given")
    stage.advance(START + 11 * DAY)
    stage.say("resume")

    assert stage.run()["doc"]["steps"]["hear"]["outcome"] == outcome
    assert [mail["status"] for mail in stage.mails()] == ["sent"]


def test_an_exit_ends_a_paused_run_at_once(stage: Stage) -> None:
    """What an exit takes back must not wait for an operator."""
    stage.happens("project.delivered", project_id="p")
    stage.say("pause")
    stage.happens("nps.answered", response="r", score=2)

    assert stage.run()["ended_as"] == "unhappy"


def test_a_second_trigger_finds_the_paused_run(stage: Stage) -> None:
    """Paused is live: `again` refuses the same key."""
    stage.happens("product.upgraded")
    stage.say("pause")
    stage.happens("product.upgraded", product="x")

    assert len(stage.runs()) == 1


def test_messages_of_a_paused_run_wait_for_it(stage: Stage) -> None:
    """Planned for the slot they stay planned for it, told once; then they leave."""
    stage.happens("product.upgraded")  # its message is planned for 10:00
    stage.say("pause")
    stage.advance(START + timedelta(hours=1, minutes=40))

    (mail,) = stage.mails()
    assert (mail["status"], mail["reason"]) == ("pending", "paused")
    assert mail["planned_at"] == START + timedelta(hours=1)
    assert len(stage.told("message.deferred")) == 1

    stage.say("resume")
    stage.advance(stage.clock.now() + PAUSED_LOOK)

    (mail,) = stage.mails()
    assert (mail["status"], mail["planned_at"]) == ("sent", START + timedelta(hours=1))


def test_a_reminder_due_in_a_pause_is_sent_after_it(stage: Stage) -> None:
    """It is held, not lost, and leaves at the first slot after the run is resumed."""
    stage.happens("product.upgraded")
    stage.advance(START + DAY)
    stage.say("pause")
    stage.advance(START + 10 * DAY)
    assert len(stage.mails()) == 1

    stage.say("resume")
    stage.advance(START + 11 * DAY + timedelta(hours=2))

    assert [mail["class"] for mail in stage.mails()] == ["ask", "reminder"]
    assert stage.mails()[1]["status"] == "sent"


def test_a_run_that_failed_is_retried_at_the_step_that_failed(stage: Stage) -> None:
    """Once what made it fail is mended, the step is taken anew and the rest follows."""
    stage.knows(starts="soon")
    stage.happens("favour.granted")
    assert stage.run()["ended_as"] == "failed"
    stage.advance(START + DAY)
    stage.knows(starts="2027-03-01")

    assert running.retry_runs(stage.app, stage.runs(), by="u-sam") == 1
    assert running.retry_runs(stage.app, stage.runs(), by="u-sam") == 0  # the same word
    stage.settle()

    assert stage.run()["ended_as"] == "done"
    assert [mail["step"] for mail in stage.mails()] == ["greet", "thank"]


def test_a_step_taken_anew_sends_anew(stage: Stage) -> None:
    """Its effects have keys of their own: what was sent before does not absorb them."""
    stage.knows(starts="soon")
    stage.happens("favour.granted")
    stage.advance(START + DAY)
    stage.knows(starts="2027-03-01")
    running.retry_runs(stage.app, stage.runs(), by="u-sam", step="greet")
    stage.settle()

    assert [mail["step"] for mail in stage.mails()] == ["greet", "greet", "thank"]
    assert running.retry_runs(stage.app, stage.runs(), by="u-sam") == 0  # it has not failed


def test_what_an_operator_did_is_written_down(stage: Stage) -> None:
    """Who paused which run stands beside the input, and what could not be done, and why."""
    stage.happens("project.delivered", project_id="p")
    stage.say("pause")
    rows = stage.runs()
    running.say_to_runs(stage.app, "resume", rows, by="u-ada")
    stage.clock.set(START + timedelta(minutes=1))
    running.say_to_runs(stage.app, "resume", rows, by="u-ada")
    stage.settle()

    with stage.store.reader() as conn:
        looked = [
            (look["did"], look["by"])
            for row in facts.decisions(conn)
            for look in row["doc"]["looked"]
            if "did" in look
        ]
    assert looked[::-1] == [("paused", "u-sam"), ("resumed", "u-ada"), ("kept", "u-ada")]


def test_an_ask_is_withdrawn_by_hand(stage: Stage) -> None:
    """No cool-down, no reminder; the run goes on with `withdrawn`."""
    stage.happens("product.upgraded")
    stage.advance(START + DAY)
    with stage.store.reader() as conn:
        asks = work.asks(conn)
    running.withdraw_asks(stage.app, asks, by="u-sam")
    stage.settle()

    assert stage.run()["doc"]["steps"]["ask"]["outcome"] == "withdrawn"
    assert stage.due() == []


def test_many_are_paused_page_by_page(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are meant and no other; a dry run counts; progress and a line of audit."""
    for number in range(7):
        stage.happens("project.delivered", f"c-{number}", project_id=f"p-{number}")
    stage.happens("product.upgraded")
    page = Page(limit=3)
    seen: list[tuple[int, int]] = []
    many = bulk.Many(
        "runs pause", {"workflow": "tour", "status": ""},
        lambda conn, after: work.runs(conn, workflow="tour", status="live", after=after, page=page),
        "id", lambda rows: running.say_to_runs(stage.app, "pause", rows, by="u-sam"),
    )  # fmt: skip

    def do(*, dry_run: bool) -> bulk.Done:
        return bulk.do(stage.app, many, by="u-sam", dry_run=dry_run,
                       progress=lambda *each: seen.append(each))  # fmt: skip

    assert do(dry_run=True) == bulk.Done(7, 0)
    assert do(dry_run=False) == bulk.Done(7, 7)
    stage.settle()

    assert seen == [(3, 7), (6, 7), (7, 7)]
    assert len(stage.runs(status="paused")) == 7
    assert [row["workflow"] for row in stage.runs(status="live")] == ["quote"]
    with stage.store.reader() as conn:
        (line,) = [row for row in facts.decisions(conn) if row["doc"]["type"] == "operator.did"]
    assert line["doc"]["looked"][0] == {"did": "runs pause", "by": "u-sam", "run": ""}
