"""What operators do to many at once: page by page, each page committed, with a line of audit.

Whatever they say is an input of the inbox, with who and when, handled by the actor's own drain;
the line that says what was asked for, of how many and by whom is one too, and is committed
before anything else is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from store.db import Connection
from store.intake import Arrival
from store.intake import accept as accept_events
from store.listings.pages import Page
from workers.app import App
from workflows.state import Doc, iso, slice_of

SOURCE = "vouch/operator"
PAGE = Page(limit=500)
"""How many are told in one transaction."""

Row = Mapping[str, Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Word:
    """One operator's word to one actor.

    Attributes:
        type: `run.pause`, as `workflows.domain.operators` knows it.
        id: The same for the same word, so that saying it twice at once is saying it once.
    """

    type: str
    id: str
    actor: str
    data: Doc


def say(app: App, words: Sequence[Word], *, by: str) -> int:
    """Put words into the inboxes they are for, in one transaction; return how many were new."""
    if not words:
        return 0
    now = app.clock.now()
    with app.store.transaction() as conn:
        fresh = accept_events(conn, [_arrival(each, by, now) for each in words])
    app.bell.ring_drain(sorted({slice_of(each.actor) for each in words}))
    return sum(fresh)


def _arrival(word: Word, by: str, now: datetime) -> Arrival:
    kind, _, name = word.actor.partition("/")
    doc: Doc = {
        "id": word.id, "source": SOURCE, "type": word.type, "time": iso(now), "fact": True,
        "contact": name if kind == "contact" else "", "account": name if kind == "account" else "",
        "lead": "", "natural_key": "", "data": {**word.data, "by": by},
    }  # fmt: skip
    return Arrival(
        id=word.id, source=SOURCE, type=word.type, time=now, arrived=now, doc=doc,
        actors=(word.actor,), contact=doc["contact"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Many:
    """Something to be done to many.

    Attributes:
        verb: What is done, as the line of audit has it: `runs pause`.
        which: The filters, as they were typed.
        page: Gives the next page of those meant, behind a key.
        key: The name of that key.
        act: Does it to a page, committed; returns how many it was done to.
    """

    verb: str
    which: Mapping[str, str]
    page: Callable[[Connection, str], Sequence[Row]]
    key: str
    act: Callable[[Sequence[Row]], int]


@dataclass(frozen=True, slots=True)
class Done:
    """How many were meant, and to how many it was done."""

    meant: int
    done: int


def do(app: App, many: Many, *, by: str, dry_run: bool, progress: Progress) -> Done:
    """Do something to all that are meant; a dry run only counts them.

    The pages go by key, so that those done already come no second time and those that change
    meanwhile hide none. Broken off in the middle, it can be said again.
    """
    meant = _count(app, many)
    if dry_run or not meant:
        return Done(meant, 0)
    _audit(app, many, meant, by)
    after, seen, done = "", 0, 0
    while rows := _page(app, many, after):
        done += many.act(rows)
        after = str(rows[-1][many.key])
        seen += len(rows)
        progress(seen, max(meant, seen))
    return Done(max(meant, seen), done)


def _page(app: App, many: Many, after: str) -> Sequence[Row]:
    with app.store.reader() as conn:
        return many.page(conn, after)


def _count(app: App, many: Many) -> int:
    after, count = "", 0
    while rows := _page(app, many, after):
        after = str(rows[-1][many.key])
        count += len(rows)
    return count


def _audit(app: App, many: Many, meant: int, by: str) -> None:
    line = audit(many.verb, many.which, meant=meant, by=by, now=app.clock.now())
    with app.store.transaction() as conn:
        accept_events(conn, [line])
    app.bell.ring_drain([slice_of(line.actors[0])])


def audit(verb: str, which: Mapping[str, str], *, meant: int, by: str, now: datetime) -> Arrival:
    """Return the line that says what an operator did, for the transaction that does it."""
    given = {name: value for name, value in which.items() if value}
    mark = f"operator/{by}/{iso(now)}/{verb}"
    data: Doc = {"verb": verb, "which": given, "meant": meant}
    return _arrival(Word("operator.did", mark, f"operator/{by}", data), by, now)
