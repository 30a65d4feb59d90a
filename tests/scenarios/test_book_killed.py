"""The book on the real store, with the process killed after commits and calls: nothing is lost."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from store import contacts
from store.dialect import table_of
from store.listings import ledger
from store.tables import LedgerRow
from workers.scenarios.play import Crash
from workers.trial import Trial
from workflows.load import load_folder, load_programme
from workflows.state import Doc, iso

TREASURY = Path(__file__).parent / "programmes" / "treasury"
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
PEOPLE = ("c-anna", "c-bram", "c-cas")
OPERATIONS = 400
KINDS = ("deal.won", "deal.won", "deal.lost", "deal.refunded", "submit", "submit", "choose", "wait")


class Killer:
    """Kills the process at every third commit, and once more at the next try."""

    def __init__(self, random: Random) -> None:
        self.kills = 0
        self._random = random

    def __call__(self, what: str) -> None:
        if what.startswith("drain") and self._random.random() < 1 / 3:
            self.kills += 1
            raise Crash(what)


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[Trial, Killer, Random]]:
    """Give a trial of the treasury whose process keeps dying."""
    random = Random(7)
    killer = Killer(random)
    trial = Trial(tmp_path, START, on_commit=killer)
    trial.apply(load_programme(load_folder(TREASURY)))
    yield trial, killer, random
    trial.close()


def test_the_book_adds_up_whatever_dies(killed: tuple[Trial, Killer, Random]) -> None:
    """After hundreds of operations and kills, `ledger verify` has nothing to say.

    Every reward was taken back whole or stands whole, and nobody's deal was paid twice.
    """
    trial, killer, random = killed

    for number in range(OPERATIONS):
        _publish(trial, _operation(random, number, trial.clock.now()))
        if random.random() < 1 / 4:
            _alive(trial, trial.clock.now() + timedelta(hours=random.choice([1, 50, 200])))
    _alive(trial, trial.clock.now() + timedelta(days=30))

    with trial.store.reader() as conn:
        assert ledger.verify(conn) == []
        assert list(ledger.strays(conn)) == []
        rows = conn.execute(sa.select(table_of(LedgerRow))).mappings().all()
        docs = contacts.get(conn, [f"contact/{who}" for who in PEOPLE])
    issued: defaultdict[str, int] = defaultdict(int)
    back: defaultdict[str, int] = defaultdict(int)
    live: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        entry = row["txn"].partition("/")[0]
        if row["account"] != "programme":
            issued[entry] += row["delta"]
            back[entry] += row["delta"] * (row["bucket"] == "reversed")
    for row in rows:
        if row["txn"].endswith("/accrued") and row["account"] != "programme":
            entry = row["txn"].partition("/")[0]
            live[row["reason"], row["benefit"]] += issued[entry] > 0 == back[entry]
    assert all(back[entry] in (0, issued[entry]) for entry in issued)
    assert max(live.values()) == 1
    assert any(back.values())
    assert any(doc["balance"].get("paid") for doc in docs.values())
    assert killer.kills > OPERATIONS / 10


def _operation(random: Random, number: int, now: datetime) -> Doc:
    kind, lead = random.choice(KINDS), random.randint(1, 60)
    event: Doc = {"specversion": "1.0", "id": f"e-{number}", "source": "test", "time": iso(now)}
    if kind == "wait":
        event |= {"type": "contact.updated", "subject": "contact/c-anna", "data": {"name": "Anna"}}
    elif kind == "submit":
        data = {"lead": {"id": f"l-{lead}", "email": f"l{lead}@polder{lead}.example"}}
        event |= {"type": "referral.submitted", "data": data,
                  "subject": f"contact/{random.choice(PEOPLE)}"}  # fmt: skip
    elif kind == "choose":
        choice = {"choice": random.choice(["donation", "mug"]), "charity": "kika",
                  "amount": random.choice([60, 250])}  # fmt: skip
        event |= {"type": "reward.chosen", "data": choice,
                  "subject": f"contact/{random.choice(PEOPLE)}"}  # fmt: skip
    else:
        event |= {"type": kind, "data": {"lead": f"l-{lead}", "deal": f"d-{lead}"}}
    return event


def _publish(trial: Trial, event: Doc) -> None:
    trial.app.publish([event])
    if int(event["id"].partition("-")[2]) % 3 == 0:
        trial.app.publish([event])  # delivered twice


def _alive(trial: Trial, until: datetime) -> None:
    """Go on to an instant, beginning again as often as the process dies."""
    while True:
        try:
            trial.advance(until)
        except Crash:
            trial.restart()
        else:
            return
