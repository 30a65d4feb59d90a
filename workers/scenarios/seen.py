"""What can be seen of a trial when it is over: facts and rows, read once."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from store import dead
from store.db import Connection, Store
from store.listings import events, work
from store.listings.contacts import contacts
from store.listings.facts import each_fact
from store.listings.pages import PAGE_MAX, Page
from workflows.state import Doc

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A trial's history.

    Attributes:
        facts: In the order made; `at` is an instant.
        tasks: With their documents, in the order opened.
        contacts: The documents at the end, by id.
        then: The documents at the instants that somebody asked about.
        events: What was accepted, with documents, in order of arrival.
        rejects: What did not enter, in order.
        dead: Inputs that the engine could not handle.
        runs: The way that each went.
    """

    facts: Rows
    tasks: Rows
    contacts: Mapping[str, Doc]
    then: Mapping[datetime, Mapping[str, Doc]]
    events: Rows
    rejects: Rows
    dead: Rows
    runs: Rows = field(default_factory=list)

    def doc(self, contact: str) -> Doc:
        """Return a contact's document at the end, of the record that remains after merges."""
        found: Doc = self.contacts.get(contact, {})
        while found.get("merged_into") in self.contacts:
            found = self.contacts[found["merged_into"]]
        return found

    def of(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """Give the facts of some kinds, or of a family given as `message.`, in order."""
        for fact in self.facts:
            if fact["fact"] in kinds or f"{fact['fact'].partition('.')[0]}." in kinds:
                yield fact


def look(
    store: Store,
    *,
    ignore: Collection[int] = (),
    docs: Mapping[datetime, Mapping[str, Doc]] | None = None,
) -> Seen:
    """Return the history of a trial; `ignore` are rejects that were caused only to be ignored."""
    with store.reader() as conn:
        tasks = [found for row in _all(work.tasks, conn) if (found := work.task(conn, row["key"]))]
        rejected = [row for row in _all(events.rejects, conn) if row["seq"] not in ignore]
        return Seen(
            facts=list(each_fact(conn)),
            tasks=sorted(tasks, key=lambda row: (row["opened_at"], row["key"])),
            contacts={row["id"]: row["doc"] for row in _all(contacts, conn)},
            then=docs or {},
            events=list(reversed(_all(events.events, conn))),
            rejects=sorted(rejected, key=lambda row: row["seq"]),
            dead=dead.listed(conn, limit=dead.DEAD_MAX),
            runs=_all(work.ways, conn),
        )


def told(store: Store) -> tuple[Rows, Rows, Rows]:
    """Return what entered, the facts that it made and what did not enter, in order."""
    with store.reader() as conn:
        rejected = _all(events.rejects, conn)
        entered = list(reversed(_all(events.events, conn)))
        return entered, list(each_fact(conn)), sorted(rejected, key=lambda row: row["seq"])


def _all(listing: Callable[..., Rows], conn: Connection) -> Rows:
    """Return every row of a listing, page by page."""
    found: Rows = []
    while True:
        page = listing(conn, page=Page(PAGE_MAX, len(found)))
        found += page
        if len(page) < PAGE_MAX:
            return found
