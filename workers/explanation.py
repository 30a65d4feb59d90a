"""What is known of an id: what it is now, and all that happened to it, in order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from store import contacts, dead
from store.db import Connection
from store.listings import events, facts, work
from store.listings.facts import FACTS_MAX
from store.listings.pages import Page, actor_key
from workflows.records import looks_of

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an id means.

    Attributes:
        kind: event, reject (of an event that did not enter), run, task, ask, message, contact.
        row: What it is now.
        timeline: Inputs, with who looked at each, and facts, oldest first.
    """

    kind: str
    id: str
    row: Doc
    timeline: list[Doc]


def explanation_of(conn: Connection, id_: str) -> Explanation | None:
    """Return what an id means; None if nothing is known by it."""
    event = events.event(conn, id_)
    if event is not None:
        found = facts.decisions_of(conn, id_, concerned(event["doc"]))
        rows = [row for each in found for row in _rows(each)]
        now = _gathered(conn, event) | _set_aside(conn, event)
        return Explanation("event", id_, now, rows + _later(conn, event, rows))
    for kind, find in _FINDERS.items():
        row = find(conn, id_)
        if row is not None:
            return Explanation(kind, id_, row, _concerning(conn, row, id_))
    key = actor_key(id_)
    doc = contacts.get(conn, [key]).get(key)
    if doc is not None:
        rows = facts.timeline(conn, key, limit=FACTS_MAX)
        aliases = doc.get("aliases", ())
        for alias in aliases:  # what happened to records that were merged into this one
            rows += facts.timeline(conn, actor_key(alias), limit=FACTS_MAX)
        if aliases:
            rows.sort(key=lambda row: row["at"])  # stable: an input stays before its facts
        return Explanation("contact", id_, {"id": id_, **doc}, [_marked(row) for row in rows])
    refused = events.rejects(conn, event=id_, page=Page(limit=1))
    return Explanation("reject", id_, refused[0], []) if refused else None


def _later(conn: Connection, event: Doc, told: list[Doc]) -> list[Doc]:
    """Return what became of an event when others had looked: as a moment, as a recommendation."""
    if not event["contact"]:
        return []
    whose = actor_key(event["contact"])
    key = f"{event['source']}#{event['id']}"
    known = [(row["at"], row["fact"]) for row in told if row["kind"] == "fact"]
    doc = contacts.get(conn, [whose]).get(whose, {})
    named = {  # the lead's side judged it, and the referrer hears what came of it later
        name for name, each in doc.get("referrals", {}).items() if each.get("event") == event["id"]
    }

    def is_of_it(row: Doc) -> bool:
        return (row["fact"].startswith("moment.") and row["key"] == key) or (
            row["fact"].startswith("referral.") and row.get("data", {}).get("referral") in named
        )

    return [
        row
        for row in facts.timeline(conn, whose, limit=FACTS_MAX)
        if row["kind"] == "fact" and is_of_it(row) and (row["at"], row["fact"]) not in known
    ]


def _gathered(conn: Connection, event: Doc) -> Doc:
    """Return an event, with the end of the window in which it waits as a moment, if it does."""
    key = actor_key(event["contact"]) if event["contact"] else ""
    book = contacts.get(conn, [key]).get(key, {}).get("moments", {}) if key else {}
    mine = f"{event['source']}#{event['id']}"
    if book.get("window") and any(one["key"] == mine for one in book.get("gathered", ())):
        return {**event, "gathered_until": book["window"][1]}
    return event


def _set_aside(conn: Connection, event: Doc) -> Doc:
    """Return the dead letter that an event became, where nobody has replayed it since."""
    for actor in concerned(event["doc"]):
        for heading in dead.listed(conn, dead.Filter(actor=actor, type=event["type"])):
            letter = dead.show(conn, heading["seq"])
            if letter and letter["doc"].get("id") == event["id"]:
                return {"set_aside": {"seq": letter["seq"], "error": letter["error"]}}
    return {}


def concerned(event: Doc) -> list[str]:
    """Return the actors whose inboxes an event may have entered."""
    named = [(kind, event.get(kind)) for kind in ("contact", "account")]
    named += [("contact", event.get("lead")), ("theme", event.get("data", {}).get("theme"))]
    if event.get("type") == "operator.did":
        named.append(("operator", event["data"].get("by")))
    return [f"{kind}/{name}" for kind, name in named if isinstance(name, str) and name]


_FINDERS: dict[str, Callable[[Connection, str], Doc | None]] = {
    "run": work.run,
    "task": work.task,
    "ask": work.ask,
    "message": work.message,
}


def _concerning(conn: Connection, row: Doc, id_: str) -> list[Doc]:
    """Return the facts about a run, task, ask or message, and the inputs that it looked at."""
    below = f"{id_}/"
    found = []
    for told in facts.timeline(conn, row["actor"], limit=FACTS_MAX):
        if told["kind"] == "fact":
            if told.get("run") == id_ or told["key"] == id_ or told["key"].startswith(below):
                found.append(told)
        elif looked := [look for look in told["looked"] if _about(look, id_)]:
            found.append({**_marked(told), "looked": looked})
    return found


def _about(look: Doc, id_: str) -> bool:
    """Tell whether somebody looked for this very run, ask or message: an exit, an operator."""
    named = {look.get("run"), look.get("ask"), look.get("message")}
    return id_ in named and ("did" in look or "unmet" in look)


def _rows(decision: Doc) -> list[Doc]:
    doc = decision["doc"]
    heading = {
        "kind": "input",
        "at": decision["at"],
        "type": doc.get("type", ""),
        "cause": decision["cause"],
        "looked": list(looks_of(doc)),
    }
    told = facts.made(decision["actor"], decision["at"], decision["cause"], doc)
    return [_marked(heading), *({**fact, "kind": "fact"} for fact in told)]


def _marked(row: Doc) -> Doc:
    """Say of an input whether it is an event: a timer's cause ends with its name.

    What deliver tells of a message, and the run hears, is neither: its facts say it all.
    """
    if row["kind"] != "input":
        return row
    timer = row["cause"].endswith(f"/{row['type']}")
    message = row["type"].startswith("message.") and row["type"] != "message.reported"
    said = any("did" in look for look in row["looked"])
    return {**row, "is_event": said or not (timer or message)}
