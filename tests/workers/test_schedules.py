"""Schedules on the real App: once a firing, the latest of those missed, page by page."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from store import contacts
from store.contact_pages import PAGE_MAX
from workers.scenarios.seen import look
from workers.trial import Trial
from workflows import engine
from workflows.compiled import Programme
from workflows.domain import schedules
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.state import Doc

CLOCK = Path(__file__).parents[1] / "scenarios" / "programmes" / "clock"
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM).astimezone(UTC)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give a trial that nothing was applied to yet."""
    made = Trial(tmp_path, local("2027-05-03T12:00"))
    yield made
    made.close()


def programme(tmp_path: Path, *names: str, **schedule: str) -> Loaded:
    """Return the programme of clocks with only these workflows; `schedule` overrides lines."""
    folder = tmp_path / "programme"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CLOCK, folder)
    for path in (folder / "workflows").glob("*.yaml"):
        if path.stem not in names:
            path.unlink()
        elif path.stem in schedule:
            lines = path.read_text().replace("30 2 * * *", schedule[path.stem])
            path.write_text(lines)
    return load_programme(load_folder(folder))


def runs(trial: Trial, workflow: str) -> list[str]:
    """Return when runs of a workflow were started for, as the office's wall clock."""
    return [
        event["at"].astimezone(AMSTERDAM).isoformat(timespec="minutes")
        for event in look(trial.store).of("run.started")
        if event["workflow"] == workflow
    ]


def test_of_missed_firings_the_latest_runs(trial: Trial, tmp_path: Path) -> None:
    """After three days without a worker the night before is made up for, and only that."""
    trial.apply(programme(tmp_path, "nightly"))
    trial.settle()
    trial.clock.set(local("2027-05-07T09:00"))
    trial.settle()

    assert runs(trial, "nightly") == ["2027-05-07T09:00+02:00"]
    (task,) = look(trial.store).tasks
    assert task["due_at"] == local("2027-05-07T04:30")  # counted from the firing

    trial.advance(local("2027-05-08T12:00"))

    assert len(runs(trial, "nightly")) == 2


def test_a_crash_after_every_commit_doubles_nothing(trial: Trial, tmp_path: Path) -> None:
    """A worker that starts anew after the firing committed finds nothing left to do."""
    trial.apply(programme(tmp_path, "nightly"))
    trial.advance(local("2027-05-04T02:30"))
    for _ in range(3):
        trial.restart()
        trial.settle()

    assert len(runs(trial, "nightly")) == 1


def test_more_contacts_than_a_page(trial: Trial, tmp_path: Path) -> None:
    """One more than a page holds, and each has one run; those who do not fit have none."""
    trial.apply(programme(tmp_path, "monthly"))
    people: dict[str, Doc] = {"account/gold": {"tier": "gold"}}
    for number in range(PAGE_MAX + 1):
        name = f"c-{number}"
        people[f"contact/{name}"] = {
            "id": name, "name": name, "email": f"{name}@x.example", "account": "gold",
            "vip": number % 5 == 0, "locale": "en",
        }  # fmt: skip
    with trial.store.transaction() as conn:
        contacts.seed(conn, people)
    trial.advance(local("2027-06-01T09:00"))

    started = [fact["contact"] for fact in look(trial.store).of("run.started")]
    assert sorted(started) == sorted(f"c-{n}" for n in range(0, PAGE_MAX + 1, 5))
    assert not look(trial.store).dead


def test_the_same_schedule_goes_on_and_another_takes_its_place(
    trial: Trial, tmp_path: Path
) -> None:
    """A missed firing survives an apply that keeps the schedule; a new line moves the timer."""
    trial.apply(programme(tmp_path, "nightly"))
    trial.settle()
    trial.clock.set(local("2027-05-04T03:00"))  # half an hour late
    trial.apply(programme(tmp_path, "nightly", "digest"))
    trial.settle()

    assert len(runs(trial, "nightly")) == 1

    trial.apply(programme(tmp_path, "nightly", nightly="0 15 * * *"))
    trial.advance(local("2027-05-05T12:00"))

    assert runs(trial, "nightly")[1:] == ["2027-05-04T15:00+02:00"]

    trial.apply(programme(tmp_path, "digest"))
    trial.advance(local("2027-05-10T12:00"))

    assert len(runs(trial, "nightly")) == 2
    assert runs(trial, "digest") == ["2027-05-10T09:00+02:00"]

    trial.apply(programme(tmp_path, "nightly", nightly="0 15 * * *"))  # back again
    trial.advance(local("2027-05-10T16:00"))

    assert len(runs(trial, "nightly")) == 3


def test_a_worker_that_does_not_know_the_programme_yet_looks_again(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firing that meets a worker with the programme of a second ago waits for it."""
    newest = trial.apply(programme(tmp_path, "nightly")).programme
    trial.settle()
    stale: Programme = trial.apply(programme(tmp_path, "digest")).programme
    trial.apply(programme(tmp_path, "nightly"))
    trial.settle()
    fire, seen = schedules.fire, []

    def late(turn: object, timer: object) -> None:
        seen.append(timer)
        turn.programme = stale if len(seen) == 1 else newest  # type: ignore[attr-defined]
        fire(turn, timer)  # type: ignore[arg-type]

    monkeypatch.setitem(engine._WAKES, "schedule", late)  # noqa: SLF001
    trial.advance(local("2027-05-04T02:30") + timedelta(seconds=2))

    assert len(seen) == 2
    (task,) = look(trial.store).tasks
    assert task["due_at"] == local("2027-05-04T04:30")


def test_a_firing_that_nobody_ever_knows_is_given_up_and_the_next_one_runs(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a minute of looking the schedule goes on with its next firing."""
    trial.apply(programme(tmp_path, "digest"))
    stale: Programme = trial.app.programmes.current().programme
    newest = trial.apply(programme(tmp_path, "nightly")).programme
    trial.settle()
    fire = schedules.fire

    def late(turn: object, timer: object) -> None:
        first_night = trial.clock.now() < local("2027-05-04T12:00")
        turn.programme = stale if first_night else newest  # type: ignore[attr-defined]
        fire(turn, timer)  # type: ignore[arg-type]

    monkeypatch.setitem(engine._WAKES, "schedule", late)  # noqa: SLF001
    trial.advance(local("2027-05-05T12:00"))

    assert runs(trial, "nightly") == ["2027-05-05T02:30+02:00"]
