"""What must never happen where people merge or are forgotten, and where others are told and called.

Nothing here asks the engine: it reads the rows, what others were asked, and which event was
handled when.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlmodel import SQLModel

from tests.simulation import wide
from tests.simulation.model import Model
from tests.simulation.outward_post import CALL, SYNC
from workflows.state import MOVED

if TYPE_CHECKING:
    from tests.simulation.oracle import Rows
    from tests.simulation.world import World


BUCKETS = ("pending", "available", "paid")
LIVE = ("live", "pending", "open")
GIVEN_UP = ("failed", "skipped")
RETRIES = 4
"""How often the endpoint is asked again, as the programme says."""


class People:
    """Who is who in the end: records that were merged are one person."""

    def __init__(self, rows: "Rows") -> None:
        self.docs: dict[str, Any] = {
            row.key: _doc(row.doc) for row in rows.actors if row.key.startswith("contact/")
        }
        self.groups: defaultdict[str, set[str]] = defaultdict(set)
        for actor in self.docs:
            self.groups[self.root(actor)].add(actor)

    def root(self, actor: str) -> str:
        """Return the record that remains of a person."""
        seen = {actor}
        while into := self.docs.get(actor, {}).get("merged_into"):
            actor = f"contact/{into}"
            if actor in seen:
                return actor
            seen.add(actor)
        return actor

    def is_alias(self, actor: str) -> bool:
        """Tell whether a record was merged into another."""
        return "merged_into" in self.docs[actor]


def _doc(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _handled(world: "World") -> Iterator[tuple[int, str, str]]:
    """Give the events that were handled: where in the log, by whom, and their names."""
    for place, note in enumerate(world.log):
        if note.kind == "drain":
            yield from ((place, who, name) for who, (kind, name) in note.doc["handled"]
                        if kind == "event")  # fmt: skip


def _types(world: "World") -> dict[str, Any]:
    """Return the events that came in, by the name they are handled under."""
    return {
        f"company#{arrival.id}": arrival
        for note in world.log if note.kind == "intake"
        for arrival, fresh in note.doc["offered"] if fresh
    }  # fmt: skip


# -- forgotten -------------------------------------------------------------------------------------


def nobody_forgotten_is_known(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Of whoever is forgotten in the end no row holds a name, an address or a word."""
    yield from (f"{row.actor} is not forgotten yet" for row in rows.erasures if not row.done_at)
    people = People(rows)
    gone = [root for root, doc in people.docs.items()
            if "erased_at" in doc and not people.is_alias(root)]  # fmt: skip
    if not gone:
        return
    named = _named_since(world, people)
    texts = _texts(world)
    for root in gone:
        for actor in sorted(people.groups[root] - named):
            for secret in wide.secrets_of(actor.removeprefix("contact/")):
                yield from (
                    f"{where} still knows {secret} of {actor}: {text[max(0, at - 90):at + 30]}"
                    for where, text in texts
                    if (at := text.find(secret)) >= 0
                )  # fmt: skip


def _forgotten(world: "World") -> set[str]:
    """Return who ever asked to be forgotten."""
    types = _types(world)
    return {
        who for _, who, name in _handled(world)
        if name in types and types[name].type == "contact.erase_requested"
    }  # fmt: skip


def _named_since(world: "World", people: People) -> set[str]:
    """Return leads whom somebody recommended after they asked to be forgotten: another's word."""
    since: dict[str, datetime] = {}
    types = _types(world)
    for _, who, name in _handled(world):
        wish = types.get(f"company#{name.rpartition('#')[2]}" if "/alias.erased/" in name else name)
        if wish is not None and wish.type == "contact.erase_requested":
            for one in people.groups[people.root(who)]:
                since[one] = min(wish.time, since.get(one, wish.time))
    return {
        lead
        for note in world.log if note.kind == "intake"
        for arrival, _ in note.doc["offered"]
        if (lead := _lead_of(arrival)) and arrival.time > since.get(lead, arrival.time)
    }  # fmt: skip


def _lead_of(arrival: Any) -> str:
    """Return the actor of whom an event names as a lead, else ''."""
    lead = arrival.doc["data"].get("lead")
    return f"contact/{lead['id']}" if isinstance(lead, dict) else ""


def _texts(world: "World") -> list[tuple[str, str]]:
    """Return every row of every table as text, but for programmes."""
    found = []
    with world.store.reader() as conn:
        for name, table in sorted(SQLModel.metadata.tables.items()):
            if name not in {"definition", "head", "hold"}:
                found += [(name, str(tuple(row))) for row in conn.execute(sa.select(table))]
    return found


def nobody_forgotten_is_written_to(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """From when a wish to be forgotten is handled nothing leaves for or about that contact."""
    messages = {row.key: row for row in rows.messages}
    people, types = People(rows), _types(world)
    forgotten: set[str] = set()
    merged: set[str] = set()
    for note in world.log:
        if note.kind == "drain":
            for who, (_, name) in note.doc["handled"]:
                arrival = types.get(name)
                kind = arrival.type if arrival is not None else name.split("#")[0]
                if kind == "contact.merged":
                    merged.add(who)
                elif kind == "contact.erase_requested" and who not in merged:
                    forgotten.add(who)
                elif kind == "optin.confirmed" or "contact.absorbed" in kind:
                    forgotten.discard(who)
        elif note.kind == "leave":
            for key in note.doc["keys"]:
                row = messages[key]
                told = row.to.startswith(SYNC) and row.actor in forgotten
                if row.to in forgotten or told:
                    yield f"{key} left for {row.actor}, who is forgotten"
    del people


# -- merged ----------------------------------------------------------------------------------------


def merged_facts_are_at_the_survivor(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Nothing is left at a record that was merged, and the one that remains has all of it.

    What somebody forgotten had to do with a lead went to the lead.
    """
    people = People(rows)
    aliases = {actor for actor in people.docs if people.is_alias(actor)}
    there = {
        (table, _id(row), row.actor)
        for table in ("runs", "asks", "tasks") for row in getattr(rows, table)
    }  # fmt: skip
    for table in ("runs", "asks", "tasks", "timers"):
        for row in getattr(rows, table):
            status = getattr(row, "status", "live")
            if row.actor in aliases and status in LIVE:
                yield f"{_id(row)} is {status} at {row.actor}, who is {people.root(row.actor)}"
            others = people.groups[people.root(row.actor)] - {row.actor}
            if people.docs.get(people.root(row.actor), {}).keys() & {"erased_at", "returned"}:
                others = people.docs.keys() - {row.actor}
            if status == MOVED and not any((table, _id(row), who) in there for who in others):
                yield f"{_id(row)} moved away from {row.actor}, and nowhere"
    yield from _books(rows, people, aliases)
    for actor in sorted(aliases):
        root = people.root(actor)
        if actor.removeprefix("contact/") not in people.docs[root].get("aliases", ()):
            yield f"{root} does not know that it is {actor}"


def _id(row: Any) -> str:
    """Return what names a row: a run's id, the key of all others."""
    named: str = row.key if hasattr(row, "key") else row.id
    return named


def _books(rows: "Rows", people: People, aliases: set[str]) -> Iterator[str]:
    sums: Counter[tuple[str, str]] = Counter()
    for row in rows.entries:
        if not row.benefit and row.bucket in BUCKETS:
            sums[row.account, row.bucket] += row.delta
    for actor, doc in people.docs.items():
        for bucket in BUCKETS:
            booked, known = sums[actor, bucket], doc.get("balance", {}).get(bucket, 0)
            if booked != known:
                yield f"{actor} has {known} {bucket}, and the book says {booked}"
            if actor in aliases and booked:
                yield f"{booked} {bucket} are left in the book of {actor}"


def the_newest_score_counts(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Of all answers of a person the one given last is known, whichever record it was given to."""
    people = People(rows)
    dead = {row.doc.get("id") for row in rows.dead}
    forgotten = _forgotten(world)
    answers: defaultdict[str, list[Any]] = defaultdict(list)
    for arrival in _types(world).values():
        if arrival.type == "nps.answered" and arrival.id not in dead:
            answers[people.root(f"contact/{arrival.contact}")].append(arrival)
    for root, given in answers.items():
        given.sort(key=lambda each: each.time)
        last = given[-1]
        alone = len(given) < 2 or given[-2].time < last.time
        if people.groups[root] & forgotten or not alone or root not in people.docs:
            continue
        known = people.docs[root].get("nps", {}).get("score")
        if known != last.doc["data"]["score"]:
            yield f"{root} scored {last.doc['data']['score']} last, in {last.id}; known is {known}"


# -- called and told -------------------------------------------------------------------------------


def calls_are_made_once(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """A step's call has one key and one body at every attempt, and none after it was done."""
    asked: defaultdict[str, list[Any]] = defaultdict(list)
    for each in world.outside.asked:
        if each.to.startswith(CALL):
            asked[each.key].append(each)
    bodies = {key: {each.body for each in listed} for key, listed in asked.items()}
    yield from (f"{key} was called with {len(b)} bodies" for key, b in bodies.items() if len(b) > 1)
    mine = defaultdict(list)
    for row in rows.messages:
        if row.to.startswith(CALL):
            mine[f"{row.run}/{row.step}"].append(row)
    for key in asked.keys() - mine.keys():
        yield f"{key} was called, and is no step's"
    done = _done(world)
    for key, listed in mine.items():
        got = [each for each in asked[key] if each.said == 200]
        if any(row.status == "sent" for row in listed) and not got:
            yield f"{key} is called done, and was not"
        over = min((done[row.key] for row in listed if row.key in done), default=None)
        if over is not None and any(each.place > over for each in asked[key]):
            yield f"{key} was called again after it was done"


def _done(world: "World") -> dict[str, int]:
    """Return where in the log each call was recorded as done."""
    return {
        outcome.ref[1]: place
        for place, note in enumerate(world.log) if note.kind == "record"
        for outcome, accepted, _ in note.doc["outcomes"]
        if accepted and str(outcome.status) == "sent"
    }  # fmt: skip


def others_hear_the_newest_last(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Nothing old is told to another system after something newer."""
    for (to, _), listed in _told(world).items():
        for one, other in pairwise(listed):
            if other.number < one.number:
                yield f"{to} was told {other.key} after {one.key}"


def _told(world: "World") -> defaultdict[tuple[str, str], list[Any]]:
    """Return what other systems took, by theirs and ours."""
    told: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for each in world.outside.asked:
        if each.to.startswith(SYNC) and each.did:
            told[each.to, each.key.rpartition("/")[0]].append(each)
    return told


def others_know_what_is_true(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """What another system was told last is what is true in the end."""
    told = _told(world)
    people, forgotten = People(rows), _forgotten(world)
    last = {}
    for row in sorted(rows.messages, key=lambda row: row.doc.get("number", 0)):
        if row.to.startswith(SYNC) and row.reason != "unchanged":  # it says what one before said
            last[row.key.rpartition("/")[0]] = row
    for actor, doc in people.docs.items():
        if "merged_into" in doc or people.groups[actor] & forgotten:
            continue
        name = f"{actor}/sync/crm"
        row = last.get(name)
        if row is not None and row.status in GIVEN_UP:
            continue  # said again once it changes
        if row is not None and row.status == "pending" and row.due_at > world.now():
            continue  # said again after the end: it was refused, or gave no answer
        nps = doc.get("nps", {})
        true = {"nps_score": nps.get("score", 0), "nps_band": nps.get("band", "none"),
                "owner": doc.get("owner", "")}  # fmt: skip
        heard = told["sync/crm", name]
        known = heard[-1].fields if heard else {"nps_band": "none"}
        if any(
            value != known.get(field) and (value or known.get(field))
            for field, value in true.items()
        ):
            yield f"crm knows {known} of {actor}, and true is {true}"


CHECKS = (
    nobody_forgotten_is_known,
    nobody_forgotten_is_written_to,
    merged_facts_are_at_the_survivor,
    the_newest_score_counts,
    calls_are_made_once,
    others_hear_the_newest_last,
    others_know_what_is_true,
)
"""All of them, for seeds that have it."""
