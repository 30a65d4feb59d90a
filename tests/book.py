"""The book under many random operations while its process is killed, on SQLite or Postgres.

    python -m tests.book --operations 100000 --seed 7
    python -m tests.book --operations 20000 --postgres

Recommendations, wins, losses, refunds, choices, approvals, merges and people who are forgotten,
some twice, some late, in batches on a clock that jumps. The process that plays them is killed
with SIGKILL again and again and goes on from what the database holds. It dies so many commits
after its start, some milliseconds into whatever comes next: however slow the machine is, every
life gets somewhere. Then nothing may be wrong: every transaction sums to zero, every balance is
the sum of its lines, every reward was taken back whole or stands whole, no deal is live twice,
no limit and no budget was passed.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Timer

import sqlalchemy as sa

from store.blank import write_blank
from store.db import Connection, Store
from store.dialect import table_of
from store.errors import is_transient
from store.listings import ledger
from store.schema import migrate
from store.tables import ActorRow, DeadRow, EventRow, InboxRow, LedgerRow
from tests.services import new_database, require
from workers.programmes import Applied
from workers.trial import Trial
from workflows.compiled import version_of
from workflows.load import load_folder, load_programme
from workflows.loaded import Loaded
from workflows.overlay import overlay
from workflows.policies import Policies
from workflows.state import Doc, instant, iso

TREASURY = Path(__file__).parent / "scenarios" / "programmes" / "treasury"
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
BATCH = 100
"""Operations that are published at once."""
LIMIT, BUDGET = 1000, 12_000
"""What one contact, and what everybody, may earn in `SPAN`."""
SPAN = timedelta(days=30)
WITH = {
    "rewards": {
        "expires": "60d", "limits": [{"max": LIMIT, "within": "30d"}],
        "budget": {"max": BUDGET, "within": "30d"},
        "choices": ["donation", "hour", {"choice": "mug", "stock": {"red": 400, "blue": 300}}],
    }
}  # fmt: skip
KINDS = {
    "referral.submitted": 300, "deal.won": 280, "deal.lost": 80, "deal.refunded": 80,
    "contract.cancelled": 40, "reward.chosen": 160, "reward.approved": 30, "nps.answered": 20,
    "contact.merged": 8, "contact.erase_requested": 2,
}  # fmt: skip
TOLD_EVERY = 50
"""Batches between two words of how far it came."""
SETTLED = timedelta(days=100)
"""How long the clock goes on after the last operation: every hold and expiry is over."""
DYING_MAX = timedelta(milliseconds=30)
"""How long it goes on after the last commit that it was to live for."""
_ledger, _actor = table_of(LedgerRow), table_of(ActorRow)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to play, and how often to kill, in commits between two deaths; none for 0."""

    seed: int
    operations: int
    every: tuple[int, int]

    @property
    def batches(self) -> int:
        """How many batches that makes."""
        return -(-self.operations // BATCH)


# -- operations --------------------------------------------------------------------------------


def at_of(number: int) -> datetime:
    """Return when a batch is published."""
    return START + number * timedelta(hours=10, minutes=35)


def batch_of(seed: int, number: int) -> list[Doc]:
    """Return the events of a batch: the same ones whenever they are asked for."""
    random = Random(f"{seed}/{number}")
    events = [_operation(random, number, f"{number:06d}-{n:02d}") for n in range(BATCH)]
    again = [each for each in events if random.random() < 0.1]
    random.shuffle(again)
    return [*events, *again]


def _operation(random: Random, number: int, id_: str) -> Doc:
    (kind,) = random.choices(list(KINDS), list(KINDS.values()))
    lead = f"l-{random.randint(number * 10, number * 10 + 150)}"
    who = _somebody(random, number)
    late = timedelta(hours=random.choice([0, 0, 0, 1, 30, 80]))
    event: Doc = {
        "specversion": "1.0", "id": id_, "source": "book", "type": kind,
        "time": iso(max(START, at_of(number) - late)), "subject": f"contact/{who}",
    }  # fmt: skip
    match kind:
        case "referral.submitted":
            said = {"id": lead, "email": f"{lead}@polder{lead}.example"}
            event["data"] = {"lead": said}
        case "reward.chosen":
            choice = random.choice(["donation", "mug", "hour"])
            amount = 1 if choice == "hour" else random.choice([60, 250, 400])
            event["data"] = {"choice": choice, "charity": "kika", "amount": amount}
        case "reward.approved":
            event["data"] = {"entry": f"deal/d-{lead}/referrer"}
        case "nps.answered":
            event["data"] = {"response": id_, "score": random.randint(0, 10)}
        case "contact.merged":
            event["data"] = {"into": _somebody(random, number)}
        case "contact.erase_requested":
            event["data"] = {}
        case _:
            del event["subject"]
            event["data"] = {"lead": lead, "deal": f"d-{lead}"}
    return event


def _somebody(random: Random, number: int) -> str:
    """Return one of those who are customers by then: some leave, others come."""
    return f"c-{random.randint(number // 4, number // 4 + 120)}"


# -- the process that is killed ----------------------------------------------------------------


class Death:
    """Kills this process with SIGKILL, some milliseconds after so many commits."""

    def __init__(self, random: Random, every: tuple[int, int]) -> None:
        self._left = random.randint(*every) if every[1] else 0
        self._late = random.uniform(0, DYING_MAX.total_seconds())

    def __call__(self, _what: str) -> None:
        self._left -= 1
        if self._left == 0:
            Timer(self._late, os.kill, (os.getpid(), signal.SIGKILL)).start()


def play(
    asked: Asked, url: str, folder: Path, programme: tuple[Loaded, Applied], death: Death
) -> None:
    """Go on from what the database holds, to the end, or to death.

    A connection that is cut off, as on a machine that stood still, is a death like any other.
    """
    try:
        _go_on(asked, url, folder, programme, death)
    except Exception as error:  # a database that is away ends this process, the rest is raised
        if not is_transient(error):
            raise
        os.kill(os.getpid(), signal.SIGKILL)


def _go_on(
    asked: Asked, url: str, folder: Path, programme: tuple[Loaded, Applied], death: Death
) -> None:
    store = Store.open(url, durable=False)
    with store.reader() as conn:
        said = conn.scalar(sa.select(sa.func.max(table_of(EventRow).c.id)).where(_of_the_book()))
    first = max(0, int(said.partition("-")[0]) - 1) if said else 0
    trial = Trial(folder, at_of(first), store=store, on_commit=death)
    loaded, compiled = programme
    trial.apply(loaded, compiled=compiled)
    for number in range(first, asked.batches):
        trial.advance(at_of(number))
        trial.app.publish(batch_of(asked.seed, number))
        if number % TOLD_EVERY == 0:
            sys.stderr.write(f"{number * BATCH:,} of {asked.operations:,} operations\n")
    trial.advance(at_of(asked.batches) + SETTLED)
    trial.close()


def _of_the_book() -> sa.ColumnElement[bool]:
    return table_of(EventRow).c.source == "book"


def run(asked: Asked, url: str, folder: Path) -> int:
    """Play it all in processes that are killed; return how many died."""
    loaded = load_programme(load_folder(TREASURY))
    policies = overlay(loaded.policies.model_dump(by_alias=True, exclude_unset=True), WITH)
    loaded = replace(loaded, policies=Policies.model_validate(policies))
    programme = loaded, Applied(version_of(loaded.bundle()), loaded.bundle())
    random, kills = Random(asked.seed), 0
    context = multiprocessing.get_context("fork")
    while True:
        death = Death(random, asked.every)
        process = context.Process(target=play, args=(asked, url, folder, programme, death))
        process.start()
        process.join()
        if process.exitcode == 0:
            return kills
        if process.exitcode == -signal.SIGKILL:
            kills += 1
        else:
            message = f"the process ended by itself with {process.exitcode}"
            raise RuntimeError(message)


# -- what must hold ----------------------------------------------------------------------------


def breaches(conn: Connection) -> Iterator[str]:
    """Give what is wrong with the book: nothing, ever."""
    yield from (f"not balanced: {row}" for row in ledger.verify(conn))
    yield from (f"a balance is not the sum of its lines: {row}" for row in ledger.strays(conn))
    for row in conn.execute(sa.select(table_of(DeadRow))):
        yield f"a dead letter: {row.kind} {row.type} {row.error}"
    left = conn.scalar(sa.select(sa.func.count()).select_from(table_of(InboxRow)))
    if left:
        yield f"{left} inputs were never handled"
    yield from _whole(conn)
    docs = [(row.key, row.doc) for row in conn.execute(sa.select(_actor.c.key, _actor.c.doc))]
    yield from _negative(docs)
    yield from _over(docs)


def _whole(conn: Connection) -> Iterator[str]:
    """A reward was taken back whole or stands whole, and one of each is live at most."""
    issued: defaultdict[str, int] = defaultdict(int)
    back: defaultdict[str, int] = defaultdict(int)
    accrued: list[tuple[str, str, str]] = []
    for row in conn.execute(sa.select(_ledger).where(_ledger.c.account != ledger.PROGRAMME)):
        entry, _, what = row.txn.partition("/")
        issued[entry] += row.delta
        back[entry] += row.delta * (row.bucket == "reversed")
        if what == "accrued":
            accrued.append((entry, row.reason, row.benefit))
    live: defaultdict[tuple[str, str], int] = defaultdict(int)
    for entry, reason, benefit in accrued:
        if back[entry] not in (0, issued[entry]):
            yield f"{reason} was taken back in part: {back[entry]} of {issued[entry]}"
        live[reason, benefit] += not back[entry]
    yield from (f"{reason} is live {n} times" for (reason, _), n in live.items() if n > 1)


def _negative(docs: Sequence[tuple[str, Doc]]) -> Iterator[str]:
    for key, doc in docs:
        for bucket, held in doc.get("balance", {}).items():
            if held < 0 and bucket not in ("available", "write_off"):  # owed, or borne
                yield f"{key} holds {held} {bucket}"


def _over(docs: Sequence[tuple[str, Doc]]) -> Iterator[str]:
    """No window of a contact's limit or of everybody's budget holds more than it may."""
    everybody: list[tuple[datetime, int]] = []
    for key, doc in docs:
        earned = [
            (instant(each["won_at"]), int(each["amount"]))
            for each in doc.get("accruals", {}).values()
            if each["state"] != "reversed" and not each["benefit"]
        ]
        everybody += earned
        if not doc.get("aliases") and _most(earned) > LIMIT:
            yield f"{key} earned {_most(earned)} within {SPAN}"
    if _most(everybody) > BUDGET:
        yield f"everybody earned {_most(everybody)} within {SPAN}"


def _most(earned: Sequence[tuple[datetime, int]]) -> int:
    """Return the most that was earned in any window, less the odd day of a budget."""
    ordered = sorted(earned)
    most = held = first = 0
    for at, amount in ordered:
        held += amount
        while ordered[first][0] <= at - SPAN + timedelta(days=1):
            held -= ordered[first][1]
            first += 1
        most = max(most, held)
    return most


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, kill, look, and say what was found; 1 if something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.book", description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--every", default="20-600", help="commits between kills; 0-0 for none")
    parser.add_argument("--postgres", action="store_true", help="on a Postgres, not on SQLite")
    said = parser.parse_args(arguments)
    low, _, high = said.every.partition("-")
    asked = Asked(said.seed, said.operations, (int(low), int(high)))
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouch-book-")))
        if said.postgres:
            server = stack.enter_context(require("postgres"))
            url = stack.enter_context(new_database(server, f"book_{said.seed}"))
            with Store.open(url).transaction() as conn:
                migrate(conn)
        else:
            url = f"sqlite:///{folder / 'trial.db'}"
            write_blank(folder / "trial.db")
        kills = run(asked, url, folder)
        store = Store.open(url)
        with store.reader() as conn:
            found = list(breaches(conn))
            lines = conn.scalar(sa.select(sa.func.count()).select_from(_ledger))
        store.close()
    took = time.monotonic() - began
    verdict = "all held" if not found else f"{len(found)} breaches"
    played = f"{asked.batches * BATCH} operations, {lines} lines, {kills} kills, {took:.0f} s"
    sys.stdout.write(f"{played}: {verdict}\n")
    sys.stdout.writelines(f"  {line}\n" for line in found[:20])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
