"""All of a person's data, as JSON: what is known, what was said and sent, what was decided."""

from collections.abc import Callable
from functools import partial
from typing import Any

from store import contacts
from store.db import Connection
from store.listings import events, facts, ledger, work
from store.listings.facts import FACTS_MAX
from store.listings.pages import PAGE_MAX, Page
from workflows.domain.contacts import CONSENT_EVENTS

Rows = list[dict[str, Any]]


def everything(conn: Connection, actor: str) -> dict[str, Any] | None:
    """Return all data of a contact and of every record that was merged into it.

    None where nobody is called so.
    """
    actor = contacts.resolve(conn, actor)
    doc = contacts.get(conn, [actor]).get(actor)
    if doc is None:
        return None
    actors = [actor, *(f"contact/{each}" for each in doc.get("aliases", ()))]
    return {
        "contact": doc,
        "consents": [_consent(each) for who in actors for each in contacts.consents_of(conn, who)],
        "consent_history": consent_history(conn, actors),
        "events": _of(actors, lambda who, page: events.events(conn, contact=who, page=page)),
        "runs": _whole(conn, actors, work.runs, work.run, "id"),
        "asks": _whole(conn, actors, work.asks, work.ask, "key"),
        "tasks": _whole(conn, actors, work.tasks, work.task, "key"),
        "messages": _of(actors, lambda who, page: work.outbox(conn, to=who, page=page)),
        "ledger": _of(actors, lambda who, page: ledger.entries(conn, account=who, page=page)),
        "timeline": [row for who in actors for row in facts.timeline(conn, who, limit=FACTS_MAX)],
    }


def consent_history(conn: Connection, actors: list[str]) -> Rows:
    """Return every word on consent, oldest first: when, what, by which event, on which text.

    A confirmed opt-in is proved by the two events that it took, the request and the POST.
    """
    found: Rows = []
    for kind in CONSENT_EVENTS:
        for row in _of(actors, partial(_said, conn, kind)):
            data = row["doc"].get("data", {})
            found.append({
                "at": row["time"], "arrived": row["arrived"], "what": kind,
                "channel": data.get("channel") or "email",
                "topic": data.get("topic") or "programme",
                "text_version": data.get("text_version", ""), "event": row["id"],
                "source": row["source"], "contact": row["contact"],
            })  # fmt: skip
    return sorted(found, key=lambda row: (row["at"], row["arrived"]))


def _said(conn: Connection, kind: str, actor: str, page: Page) -> Rows:
    return events.events(conn, contact=actor, type=kind, page=page)


def _consent(word: Any) -> dict[str, Any]:  # noqa: ANN401 - a Consent
    return {name: getattr(word, name) for name in word.__slots__}


def _of(actors: list[str], listing: Callable[[str, Page], Rows]) -> Rows:
    """Return every row of a listing for each of the actors, page by page."""
    found: Rows = []
    for actor in actors:
        offset = 0
        while True:
            page = listing(actor, Page(PAGE_MAX, offset))
            found += page
            offset += len(page)
            if len(page) < PAGE_MAX:
                break
    return found


def _whole(
    conn: Connection,
    actors: list[str],
    listing: Callable[..., Rows],
    one: Callable[[Connection, str], dict[str, Any] | None],
    key: str,
) -> Rows:
    rows = _of(actors, lambda who, page: listing(conn, contact=who, page=page))
    return [whole for row in rows if (whole := one(conn, row[key])) is not None]
