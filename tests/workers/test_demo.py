"""The demo: both doors, the real App, and a summary that says what happened."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from store.listings.ledger import verify
from workers.demo import story
from workers.demo.doors import open_doors
from workers.demo.lines import ENDS_AT, STARTS_AT, Line, rfc3339
from workers.demo.run import LIBRARY, TOGETHER, Year, run_demo, year_of
from workers.demo.tally import Tally
from workers.trial import Trial
from workers.verdicts import Verdict
from workflows.load import load_folder, load_programme

WINTER = STARTS_AT + timedelta(days=45)


@pytest.fixture(scope="module")
def winter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tally, str, Path]:
    """The demo's first weeks: what was counted, what was written, where it is."""
    folder = tmp_path_factory.mktemp("demo")
    out = StringIO()
    return run_demo(1, out, folder, until=WINTER), out.getvalue(), folder


def line(at: datetime, kind: str = "problem.solved") -> Line:
    event = {"specversion": "1.0", "id": rfc3339(at), "source": "crm", "type": kind, "data": {}}
    return Line(at, "queue", event)


def test_every_line_gets_one_verdict(winter: tuple[Tally, str, Path]) -> None:
    """Both doors were used, and what they took adds up to what was sent by each."""
    tally, _, _ = winter
    sent = [each for each in year_of(1) if each.arrival < WINTER]

    assert tally.verdicts.total() == tally.ways.total() >= len(sent)
    assert tally.ways["http"] >= sum(each.via == "http" for each in sent)
    assert tally.ways["queue"] >= sum(each.via == "queue" for each in sent)
    assert tally.verdicts["duplicate"] > 0
    assert sum(tally.refused.values()) == tally.verdicts["rejected"]


def test_every_mail_is_a_file(winter: tuple[Tally, str, Path]) -> None:
    """There are as many files of mail as messages were counted as sent."""
    tally, _, folder = winter

    assert tally.sent.total() > 20
    assert len(list((folder / "mail").glob("*.eml"))) == tally.sent.total()


def test_nothing_is_set_aside(winter: tuple[Tally, str, Path]) -> None:
    """No input of the demo becomes a dead letter, and no template lacks a word."""
    tally, shown, _ = winter

    assert "set aside      0" in shown
    assert not [reason for reason, _ in tally.not_sent if reason.startswith("words")]


def test_staff_and_customers_take_part(winter: tuple[Tally, str, Path]) -> None:
    """Promoters are called, tasks are closed, and people confirm that they take part."""
    tally, _, _ = winter

    assert tally.runs_started["promoter"] > 5
    assert tally.sla(WINTER)["kept"] > 5
    assert tally.participants


def test_summary_says_all(winter: tuple[Tally, str, Path]) -> None:
    """Every part of the summary is there, the months that passed, and the way on."""
    _, shown, folder = winter

    for part in ("Jan ", "Events in", "duplicates", "Runs", "Messages sent", "Messages not sent",
                 "Tasks", "Ledger", "NPS", "Response rate", "Funnel", "benchmark 25 %",
                 "make demo SEED="):  # fmt: skip
        assert part in shown, part
    assert str(folder / "mail") in shown.replace("\n", "")


def test_year_gives_what_comes_in_together() -> None:
    """Lines within two hours come together; a later one, or one past the end, does not."""
    at = STARTS_AT
    year = Year()
    year.add([line(at + TOGETHER), line(at), line(at + TOGETHER - timedelta(seconds=1))])

    assert [len(year.take(ENDS_AT)) for _ in range(3)] == [2, 1, 0]

    year.add([line(at)])

    assert year.take(at) == []


def test_year_keeps_no_answer_waiting() -> None:
    """An answer comes in at its own minute, with what waited, and the next one after it."""
    at = STARTS_AT
    year = Year()
    year.add(line(at + timedelta(minutes=n), "nps.answered" if n == 1 else "x.y") for n in range(3))

    assert [[each.arrival.minute for each in year.take(ENDS_AT)] for _ in range(2)] == [[0, 1], [2]]


def test_doors_give_the_same_verdicts(tmp_path: Path) -> None:
    """HTTP and queue say the same of sound events, of nonsense and of what came before."""
    trial = Trial(tmp_path, STARTS_AT)
    trial.apply(load_programme(load_folder(LIBRARY)))
    said = {}
    with open_doors(trial) as doors:
        for name, door in doors.items():
            event = line(STARTS_AT).event | {"id": name, "subject": f"contact/c-{name}"}
            batch = [event, {**event, "type": "problem.slved", "id": "2"}, 42]
            said[name] = [
                (verdict.status, verdict.reason)
                for events in (batch, [event], [42], [{**event, "id": "3", "type": "no.such"}])
                for verdict in door.publish(events)
            ]
    trial.close()

    assert said["http"] == said["queue"]
    assert said["http"] == [
        ("accepted", ""),
        ("rejected", "unknown_type"),
        ("rejected", "malformed"),
        ("duplicate", "duplicate"),
        ("rejected", "malformed"),
        ("rejected", "unknown_type"),
    ]


def test_ledger_of_the_demo_adds_up(winter: tuple[Tally, str, Path]) -> None:
    """Every transaction that the demo booked sums to zero."""
    _, shown, folder = winter
    trial = Trial(folder, WINTER)
    with trial.store.reader() as conn:
        wrong = verify(conn)
    trial.close()

    assert wrong == []
    assert "Every transaction sums to zero." in shown


# -- counting -------------------------------------------------------------------------------------


def answer(score: int, revision: int = 1, response: str = "r-1") -> Line:
    data = {"response": response, "score": score, "revision": revision}
    event = line(STARTS_AT, "nps.answered").event
    event |= {"id": f"{response}/{revision}", "subject": "contact/c-anna", "data": data}
    return Line(STARTS_AT, "http", event)


def test_revised_answer_counts_once() -> None:
    """A response counts with its newest revision, in whatever order they came."""
    tally = Tally()
    for each in (answer(6, 2), answer(9, 1), answer(8, 1, "r-2")):
        tally.took(each, Verdict("accepted"))
    answers = tally.answers()

    assert (answers.promoters, answers.passives, answers.detractors) == (0, 1, 1)


def test_answer_off_the_scale_counts_as_rejected() -> None:
    """What intake took and the engine refused is no answer, and no accepted event either."""
    tally = Tally()
    tally.took(answer(11), Verdict("accepted"))
    data = {"event": "r-1/1", "type": "nps.answered", "reason": "out_of_scale", "field": "score"}
    tally.saw([{"at": STARTS_AT, "fact": "event.rejected", "contact": "c-anna", "data": data}])

    assert tally.answers().total == 0
    assert tally.verdicts["accepted"] == 0
    assert tally.refused == {"out_of_scale (score)": 1}


def test_task_counts_by_when_it_ended() -> None:
    """A task done at its due time is kept, a second later late; an open one is overdue after it."""
    tally = Tally()
    due = STARTS_AT + timedelta(hours=24)
    for key, ended in (("a", due), ("b", due + timedelta(seconds=1)), ("c", None)):
        data = {"task": key, "title": "Call", "to": "u-sam", "due": rfc3339(due)}
        tally.saw([{"at": STARTS_AT, "fact": "task.opened", "contact": "c", "data": data}])
        if ended:
            tally.saw([{"at": ended, "fact": "task.closed", "contact": "c", "data": {"task": key}}])

    assert tally.sla(due) == {"kept": 1, "late": 1, "open": 1}
    assert tally.sla(due + timedelta(seconds=1)) == {"kept": 1, "late": 1, "overdue": 1}


def test_voided_recommendation_introduces_nobody() -> None:
    """A participant whose only recommendation was voided is not committed."""
    tally = Tally()
    tally.participants.add("c-anna")
    for verb in ("accepted", "voided"):
        data = {"referral": "r-1"}
        tally.saw(
            [{"at": STARTS_AT, "fact": f"referral.{verb}", "contact": "c-anna", "data": data}]
        )

    assert [level.count for level in tally.funnel(["c-anna"])] == [1, 0, 0]


def test_story_is_told_in_sentences() -> None:
    """What somebody did and what Vouch did stand in one order, with dates, in the office's zone."""
    tally = Tally()
    said = answer(9)
    said.event["time"] = "2027-02-05T14:40:00Z"
    said.event["data"]["comment"] = "fijn team"
    tally.took(said, Verdict("accepted"))
    data = {"task": "t", "title": "Thank Anna", "to": "u-sam", "due": "2027-02-06T14:40:00Z"}
    opened = STARTS_AT.replace(month=2, day=5, hour=14, minute=41)
    tally.saw([{"at": opened, "fact": "task.opened", "contact": "c-anna", "data": data}])

    assert [each.shown for each in story.of(tally, "c-anna")] == [
        "Fri 05 Feb 15:40  They gave us 9 of 10. “fijn team”",
        "Fri 05 Feb 15:41  Sam got the task “Thank Anna”, due Sat 6 Feb 15:40.",
    ]
