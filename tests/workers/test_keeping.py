"""What is kept no longer is not needed: the story goes on as if every word were still there."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from store import retention
from store.dialect import table_of
from store.intake import Arrival, accept
from store.listings import events
from store.tables import ActorRow, AskRow, ConsentRow, LedgerRow, OutboxRow, TaskRow, TimerRow
from tests.examples import NIGHTLY
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event, shipped
from workers.keeping import AGAIN_AFTER, BATCHES_MAX, LOOK_EVERY, RING_EVERY, Keeper
from workers.scenarios.play import Player
from workers.scenarios.reading import Story, read_story
from workers.scenarios.seed import plant
from workers.scenarios.suite import find_documents
from workers.trial import Trial
from workflows.load import load_folder, load_programme

LIBRARY = Path(__file__).parents[2] / "workflows" / "library"
LOADED = load_programme(load_folder(LIBRARY))
STORIES = sorted((LIBRARY / "scenarios").glob("*.yaml"))
START = datetime(2027, 6, 1, 7, tzinfo=UTC)


class Forgetful(Trial):
    """A trial that keeps no word for longer than an instant."""

    def settle(self) -> None:
        """Settle, then empty all that is older than now."""
        Trial.settle(self)
        _empty(self)


def _empty(trial: Trial) -> None:
    while True:
        with trial.store.transaction() as conn:
            if not retention.step(conn, before=trial.clock.now()):
                return


def _story(path: Path) -> Story:
    (document,) = find_documents(LOADED, LIBRARY, [path])
    story, findings = read_story(document, LOADED)
    assert story, findings
    return story


def _rows(trial: Trial) -> dict[str, list[Any]]:
    """Return all that is known and was done, but for the words of messages."""
    found = {}
    with trial.store.reader() as conn:
        for row in (ActorRow, AskRow, ConsentRow, LedgerRow, TaskRow, TimerRow, OutboxRow):
            table = table_of(row)
            columns = [each for each in table.c if (row, each.name) != (OutboxRow, "doc")]
            found[table.name] = [
                tuple(one) for one in conn.execute(sa.select(*columns).order_by(*table.primary_key))
            ]
    return found


def _played(kind: type[Trial], story: Story, folder: Path) -> dict[str, list[Any]]:
    folder.mkdir()
    scenario = story.scenario
    to_utc = Player(story, None, "as_written").utc  # type: ignore[arg-type]
    trial = kind(folder, to_utc(scenario.at), outside=scenario.script, draws=scenario.draws,
                 keeps=False)  # fmt: skip
    try:
        plant(trial.store, story, trial.apply(story.loaded).programme)
        Player(story, trial, "as_written").play()
        return _rows(trial)
    finally:
        trial.close()


@pytest.mark.parametrize("path", STORIES if NIGHTLY else STORIES[::3], ids=lambda path: path.stem)
def test_a_story_goes_on_without_the_words_of_its_past(path: Path, tmp_path: Path) -> None:
    """Everybody, every ask, task, message and line of the book is the same in the end."""
    story = _story(path)
    assert _played(Forgetful, story, tmp_path / "a") == _played(Trial, story, tmp_path / "b")


# -- when ------------------------------------------------------------------------------------------


@dataclass
class Old:
    """A trial with events of long ago, and whoever empties them."""

    trial: Trial
    keeper: Keeper

    def more(self, number: int) -> None:
        now = START - timedelta(days=500)
        doc = {"id": "", "source": "t", "type": "x", "time": "", "data": {"text": "Anna"}}
        with self.trial.store.transaction() as conn:
            accept(conn, [
                Arrival(id=f"{number}-{each}", source="t", type="x", time=now, arrived=now,
                        doc=doc, actors=(f"contact/c-{number}",), contact=f"c-{number}")
                for each in range(3)
            ])  # fmt: skip

    @property
    def words(self) -> int:
        with self.trial.store.reader() as conn:
            return sum("emptied" not in row["doc"] for row in events.events(conn))


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    """Give one who keeps 400 days, and three events that are older."""
    trial = Trial(tmp_path, START)
    trial.apply(LOADED)
    made = Old(trial, Keeper(trial.store, trial.clock, timedelta(days=400)))
    made.more(0)
    yield made
    trial.close()


def test_it_is_worked_at_by_and_by(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn makes so many batches; the next comes soon where there is more, else in an hour."""
    monkeypatch.setattr(retention, "ROWS_MAX", 1)
    for number in range(1, BATCHES_MAX // 3 + 1):
        old.more(number)
    before = old.words
    old.keeper.work()
    old.keeper.work()  # not yet
    assert before - old.words == BATCHES_MAX
    old.trial.clock.set(START + AGAIN_AFTER)
    old.keeper.work()
    assert old.words == 0
    old.more(100)
    old.trial.clock.set(START + LOOK_EVERY)
    old.keeper.work()
    assert old.words == 3
    old.trial.clock.set(START + AGAIN_AFTER + LOOK_EVERY)
    old.keeper.work()
    assert old.words == 0


def test_the_clock_rings_so_that_a_quiet_installation_looks_too(old: Old) -> None:
    """Once a minute, and never where everything is kept."""
    at = [timedelta(0), timedelta(seconds=1), RING_EVERY, RING_EVERY + timedelta(seconds=1)]
    rung = []
    for since in at:
        old.trial.clock.set(START + since)
        rung.append(old.keeper.wants_bell())
    assert rung == [True, False, True, False]
    assert not Keeper(old.trial.store, old.trial.clock, None).wants_bell()


def test_everything_is_kept_where_nobody_says_how_long(old: Old) -> None:
    """Without the setting nothing is emptied, however old it is."""
    Keeper(old.trial.store, old.trial.clock, None).work()
    old.trial.app.deliver()
    assert old.words == 3


def test_whoever_delivers_empties(old: Old) -> None:
    """What the bell for messages rings for is this, too."""
    old.trial.app.keeper = old.keeper
    old.trial.app.deliver()
    assert old.words == 0


# -- what operators see ----------------------------------------------------------------------------


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder in which Anna gave a nine."""
    return ready(shipped, _nine)


def _nine(shell: Shell) -> None:
    anna = {"name": "Anna", "email": "anna@x.example", "locale": "en"}
    lines = [
        event(1, "contact.updated", **anna),
        event(2, "nps.answered", response="r", score=9, comment="by word of mouth"),
    ]
    assert shell("publish", "-", given="\n".join(lines)).code == 0
    shell.work()


def _years_ago(shell: Shell) -> None:
    """Make everything years older, and the thanks a mail that failed."""
    with sqlite3.connect(shell.folder / "vouch.db") as conn:
        conn.execute("UPDATE event SET arrived = '2020' || substr(arrived, 5)")
        conn.execute("UPDATE decision SET at = '2020' || substr(at, 5)")
        conn.execute("UPDATE outbox SET status = 'failed' WHERE template = 'nps_thanks'")
    conn.close()


def test_an_operator_hears_what_is_known_no_longer(shell: Shell) -> None:
    """Old events and mails say so themselves; what is true now, and reports, stay."""
    _years_ago(shell)
    before = [shell("report", name, "--format", "csv").out for name in ("funnel", "nps", "sla")]
    (thanks,) = shell("outbox", "list", "--status", "failed", "--format", "json").json()
    assert "everything is kept" in shell("doctor").out

    shell.env["VOUCH_RETENTION_DAYS"] = "400"
    shell.work()

    assert "kept for 400 days" in shell("doctor").out
    told = shell("explain", "e-2").out
    assert "known no longer: it is older than VOUCH_RETENTION_DAYS keeps" in told
    assert ("score" in told, "by word of mouth" in told) == (True, False)
    refused = shell("outbox", "redeliver", thanks["key"])
    assert (refused.code, "older than is kept" in refused.err) == (2, True)
    assert shell("outbox", "redeliver", "--status", "failed").out.startswith("0 ")
    assert shell("contacts", "show", "c-anna").out.count("Anna")
    after = [shell("report", name, "--format", "csv").out for name in ("funnel", "nps", "sla")]
    assert after == before
    assert shell("ledger", "verify").code == 0
