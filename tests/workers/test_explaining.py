"""Why something happened, or nothing: with the values and the rules of that time."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from store.listings import work
from tests.replay import LIBRARY
from tests.workers.changing import TOUR, folder
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event
from workers.explained import lines_of
from workers.explanation import explanation_of
from workers.places import Places
from workers.telling import Teller
from workers.trial import Trial
from workflows.load import load_folder, load_programme

PICKY = """
workflow: picky
trigger:
  event: product.upgraded
  if: event.data.product == 'plus' && contact.starts == 'soon' && contact.nps.score > 8
run: {per: contact, again: ignore}
exit:
  - {event: nps.answered, if: event.data.score < 5, as: unhappy}
steps:
  - {id: greet, if: contact.starts == 'never', send: {template: thanks, class: plain}}
  - id: hear
    wait_for: {event: favour.granted, if: event.data.note == 'big', within: 5y}
"""


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder with the programme applied, and Anna, who starts soon."""
    return ready(_before)


def _before(shell: Shell) -> None:
    folder(shell.folder / "tour", picky=PICKY)
    for words in (["migrate"], ["apply", "tour"]):
        assert shell(*words).code == 0
    _tell(shell, event(1, "contact.updated", email="anna@x.example", starts="soon"))


def _tell(shell: Shell, *lines: str) -> None:
    assert shell("publish", "-", given="\n".join(lines)).code == 0
    shell.work()


def _place(part: str, text: str = PICKY) -> str:
    """Return where a part of the workflow stands, counted as an editor counts."""
    before = text[: text.index(part)]
    return f"workflows/picky.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_what_a_condition_read_is_told_as_it_was(shell: Shell) -> None:
    """The contact's field is another one now; the record keeps the one that decided."""
    _tell(shell, event(2, "product.upgraded", product="plus"))
    _tell(shell, event(3, "nps.answered", response="r", score=10))

    said = shell("explain", "e-2").out

    assert f"picky ({_place('contact.nps.score > 8')}, version" in said
    assert "contact.nps.score > 8 is false (contact.nps.score was 0)" in said


def test_the_place_is_that_of_the_version_that_applied(shell: Shell, tmp_path: Path) -> None:
    """The file has changed since, and the rule stands elsewhere now."""
    _tell(shell, event(2, "product.upgraded", product="basic"))
    plus = "event.data.product"
    changed = "# Moved down.\n" * 7 + PICKY.replace("plus", "pro")
    folder(tmp_path / "tour", picky=changed)
    assert shell("apply", "tour").code == 0
    _tell(shell, event(3, "product.upgraded", product="basic"))

    assert f"{_place(plus)}, version" in shell("explain", "e-2").out
    assert f"{_place(plus, changed)}, version" in shell("explain", "e-3").out


def test_what_a_live_run_did_not_take_is_told(shell: Shell) -> None:
    """An exit and a waiting step that did not match, and a step that was passed over."""
    _tell(shell, event(2, "nps.answered", response="r", score=9))
    _tell(shell, event(3, "product.upgraded", product="plus"))
    _tell(shell, event(4, "favour.granted", note="small"))
    _tell(shell, event(5, "nps.answered", response="s", score=9))
    (run,) = [row for row in shell("runs", "list", "--format", "json").json()
              if row["workflow"] == "picky"]  # fmt: skip

    never = _place("contact.starts == 'never'")
    assert f'step "greet" ({never})' in shell("explain", "e-3").out
    heard = shell("explain", "e-4").out
    big = "event.data.note == 'big'"
    assert f'step "hear" ({_place(big)}): {big} is false' in heard
    assert "(event.data.note was 'small')" in heard
    left = shell("explain", "e-5").out
    assert f"its exit ({_place('event.data.score < 5')}): event.data.score < 5 is false" in left
    whole = shell("explain", run["id"]).out
    assert "nps.answered e-5" in whole
    assert "was 'small'" in whole


def test_a_message_that_did_not_leave_names_the_policy(shell: Shell, tmp_path: Path) -> None:
    """The line of programme.yaml in the version that was the newest then, and what it read."""
    text = (tmp_path / "tour" / "programme.yaml").read_text()
    strict = text.replace("asks:\n", "asks:\n  if: contact.starts == 'now'\n").replace(
        "ask: {leaves: slot}", "ask: {}"
    )
    (tmp_path / "tour" / "programme.yaml").write_text(strict)
    assert shell("apply", "tour").code == 0
    _tell(shell, event(2, "product.upgraded", product="basic"))
    line = strict.splitlines().index("  if: contact.starts == 'now'") + 1
    (message,) = shell("outbox", "list", "--format", "json").json()

    said = shell("explain", message["key"]).out

    assert f"by asks.if (programme.yaml:{line}:7): contact.starts == 'now' is false" in said
    assert "(contact.starts was 'soon')" in said
    told = shell("explain", message["key"], "--format", "json").json()
    assert any(f"programme.yaml:{line}" in row.get("place", "") for row in told["timeline"])


def test_what_changed_nothing_says_why(shell: Shell) -> None:
    """A reward that there is not, a stage nobody offered: in words, with the reason and field."""
    _tell(shell, event(2, "reward.approved", entry="deal/d-9/referrer"))
    _tell(shell, event(3, "journey.answered", stage="poll"))

    refused, kept = shell("explain", "e-2").out, shell("explain", "e-3").out
    story = shell("explain", "c-anna").out

    why = "was refused, because there is no reward of this entry (unknown_entry: data.entry)"
    assert f"reward.approved {why}" in refused
    assert "nothing came of it" not in refused
    assert "no workflow starts by journey.answered" in kept
    why = "changed nothing, because this stage is not open (stage_not_offered: data.stage)"
    assert f"  journey.answered {why}" in kept
    assert "unknown_entry" in story
    assert "stage_not_offered" in story


def test_what_operators_did_is_in_the_story(shell: Shell, tmp_path: Path) -> None:
    """Of the run, and of the line of audit: who, and what came of it."""
    folder(tmp_path / "tour", tour=TOUR.replace("3d", "5y"))
    shell("apply", "tour")
    _tell(shell, event(2, "project.delivered", project_id="p"))
    said = shell("runs", "pause", "--workflow", "tour", "--by", "u-sam")
    assert "1 run paused by u-sam" in said.out
    shell.work()
    (run,) = shell("runs", "list", "--status", "paused", "--format", "json").json()

    story = shell("explain", run["id"]).out
    assert 'u-sam paused tour in "rest"' in story
    assert 'stands in "rest" (workflows/tour.yaml:' in story
    assert ", by u-sam" in story
    (line,) = shell("events", "list", "--type", "operator.did", "--format", "json").json()
    assert "u-sam runs pause" in shell("explain", line["id"]).out


def test_what_ended_a_run_is_named(shell: Shell) -> None:
    """The exit that a run was left by, as it stood in the version that applied."""
    _tell(shell, event(2, "nps.answered", response="r", score=9))
    _tell(shell, event(3, "product.upgraded", product="plus"))
    _tell(shell, event(4, "nps.answered", response="r-2", score=2))

    said = shell("explain", "e-4").out

    assert f"picky ended as unhappy\n    by {_place('{event: nps.answered, if')}" in said
    rows = shell("explain", "e-4", "--format", "json").json()["timeline"]
    placed = [row["place"] for row in rows if row.get("data", {}).get("as") == "unhappy"]
    assert placed == [_place("{event: nps.answered, if")]


def test_a_contact_is_told_as_it_is_now(shell: Shell) -> None:
    """What keeps somebody from being asked comes before what happened."""
    _tell(shell, event(2, "optin.confirmed", text_version="1"))
    _tell(shell, event(3, "nps.answered", response="r", score=9))
    _tell(shell, event(4, "owner.changed", owner="u-sam"))
    _tell(shell, event(5, "contact.unsubscribed", topic="programme", channel="email"))

    lines = shell("explain", "c-anna").out.splitlines()

    assert lines[1].startswith("  promoter: gave 9 on ")
    assert lines[2] == "  looked after by u-sam"
    assert lines[3].startswith("  takes part since ")
    assert lines[4] == "  unsubscribed from programme"


def test_a_moment_is_told_to_its_end(tmp_path: Path) -> None:
    """While its window is open, until when; then what became of it, and by which entry.

    Nothing starts by the event itself, and no fact is made before its window has ended.
    """
    trial = Trial(tmp_path, datetime(2027, 2, 1, 8, tzinfo=UTC), keeps=False)
    trial.apply(load_programme(load_folder(LIBRARY)))

    def told() -> str:
        with trial.store.reader() as conn:
            found = explanation_of(conn, "m-2")
            assert found
            teller = Teller(ZoneInfo("Europe/Amsterdam"), Places(conn), work.versions(conn, set()))
            places = [teller.placed(row).get("place") for row in found.timeline]
            return "\n".join([*lines_of(found, teller, trial.clock.now()), *filter(None, places)])

    for number, (day, kind, data) in enumerate(
        [
            (1, "nps.answered", {"response": "r", "score": 10}),
            (2, "problem.solved", {"ticket": "t"}),
            (2, "compliment.given", {}),
        ],
        start=1,
    ):
        at = datetime(2027, 2, day, 10, number, tzinfo=UTC)
        trial.reach(at)
        trial.publish([{
            "specversion": "1.0", "id": f"m-{number}", "source": "crm", "type": kind,
            "subject": "contact/c-a", "time": at.isoformat(), "data": data,
        }])  # fmt: skip
    assert "its moment is gathered with others until Wed 3 Feb 2027 11:02" in told()

    trial.advance(datetime(2027, 2, 4, 12, tzinfo=UTC))
    text = (LIBRARY / "programme.yaml").read_text()
    line = text[: text.index("{event: problem.solved")].count("\n") + 1
    assert "the moment problem.solved was chosen to ask for a referral" in told()
    assert f"by programme.yaml:{line}:7" in told()
    assert told().endswith(f"programme.yaml:{line}:7")
    trial.close()


def test_a_recommendation_tells_what_became_of_it(shell: Shell) -> None:
    """The lead's side judges it, in another input: its event says so all the same."""
    lead = {"name": "Lee", "email": "lee@other.example"}
    _tell(shell, event(2, "referral.submitted", lead=lead, consent_to_contact=True))

    said = shell("explain", "e-2").out

    assert "nothing came of it" not in said
    assert "was accepted" in said
