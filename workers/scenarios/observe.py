"""From facts and rows to the sections of `expect`: what came out, row by row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from workers.scenarios.metrics import count_all
from workers.scenarios.seen import Seen
from workflows.state import instant


@dataclass(slots=True)
class Row:
    """One row that came out.

    Attributes:
        values: By field; an instant is a datetime, what has no value is absent or None.
        firsts: When it began. More than one where a reader may take either for the first:
            a timer may be listed by when it was set or by when it was due.
    """

    values: dict[str, Any]
    firsts: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """Every section of `expect`, as it came out."""

    rows: Mapping[str, list[Row]]
    metrics: Mapping[str, int | None]


Fact = dict[str, Any]


def observe(seen: Seen) -> Observed:
    """Return what came out; `contacts` and `balances` are looked up when they are compared."""
    rows = {section: list(make(seen)) for section, make in _SECTIONS.items()}
    return Observed(rows, count_all(seen))


def _data(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = fact.get("data", {})
    return found


def _at(text: Any) -> datetime | None:  # noqa: ANN401 - what a document holds
    if isinstance(text, str) and text:
        return instant(text)
    return text if isinstance(text, datetime) else None


def _picked(fact: Fact, *fields: str) -> dict[str, Any]:
    data = _data(fact)
    return {name: data.get(name) for name in fields}


def _at_once(section_facts: Iterator[Fact], *fields: str, who: str = "contact") -> Iterator[Row]:
    """Give a row a fact: its instant, whom it concerns, some of its fields."""
    for fact in section_facts:
        values = {"at": fact["at"], **_picked(fact, *fields)}
        if who:
            values[who] = fact["contact"]
        yield Row(values, (fact["at"],))


# -- runs ------------------------------------------------------------------------------------------


def _runs(seen: Seen) -> Iterator[Row]:
    found: dict[str, Row] = {}
    for fact in seen.of("run.started", "run.ended"):
        if fact["fact"] == "run.started":
            values = {
                "workflow": fact["workflow"], "contact": fact["contact"],
                "started": fact["at"], "ended": None, "as": None,
            }  # fmt: skip
            found[fact["run"]] = Row(values, (fact["at"],))
        elif fact["run"] in found:
            found[fact["run"]].values |= {"ended": fact["at"], "as": _data(fact).get("as")}
    yield from found.values()


def _refused(seen: Seen) -> Iterator[Row]:
    for fact in seen.of("run.refused"):
        whose = {name: fact[name] for name in ("at", "workflow", "contact")}
        yield Row(whose | _picked(fact, "reason", "operand"), (fact["at"],))


# -- messages --------------------------------------------------------------------------------------


def _messages(seen: Seen) -> Iterator[Row]:
    fields = ("to", "channel", "template", "locale", "class", "touch")
    return _at_once(seen.of("message.sent"), *fields, who="")


def _skipped(seen: Seen) -> Iterator[Row]:
    gone = seen.of("message.skipped", "message.failed")
    return _at_once(gone, "to", "template", "reason", who="")


def _asks(seen: Seen) -> Iterator[Row]:
    """Give a row an ask: opened, reminded, and how it ended.

    A word to an ask that was closed already changes nothing, unless it was given before that.
    """
    found: dict[str, Row] = {}
    for fact in seen.of("ask."):
        data = _data(fact)
        key, what = data.get("ask", fact["key"]), fact["fact"].partition(".")[2]
        if data.get("reason") == "closed":
            continue
        row = found.get(key)
        if row is None:
            values = {"contact": fact["contact"], "opened": None, "touches": 0, "outcome": None}
            row = found[key] = Row(values, (fact["at"],))
        row.values["kind"] = data.get("kind")
        if what == "opened":
            row.values["opened"] = row.values["opened"] or fact["at"]
        if what in ("opened", "reminded"):
            row.values["touches"] = data.get("touch")
        elif what != "snoozed":
            row.values |= {
                "outcome": what, "at": fact["at"], "reason": data.get("reason"),
                "cooling_until": _at(data.get("cooling_until")),
            }  # fmt: skip
    yield from found.values()


def _moments(seen: Seen) -> Iterator[Row]:
    """Give a row a moment, with its last outcome."""
    found: dict[str, Row] = {}
    for fact in seen.of("moment."):
        key = str(fact["key"])
        first = found[key].firsts[0] if key in found else fact["at"]
        values = {
            "at": fact["at"], "contact": fact["contact"],
            "outcome": fact["fact"].partition(".")[2], **_picked(fact, "moment", "kind", "reason"),
        }  # fmt: skip
        found[key] = Row(values, (first, fact["at"]))
    yield from found.values()


# -- tasks -----------------------------------------------------------------------------------------


def _tasks(seen: Seen) -> Iterator[Row]:
    reasons = {
        fact["key"]: _data(fact).get("reason") for fact in seen.of("task.closed", "task.cancelled")
    }
    for row in seen.tasks:
        doc, ended = row["doc"], row["closed_at"]
        values = {
            "task": row["step"], "contact": _whose(row["actor"]),
            "about": doc.get("about"), "to": row["assignee"], "via": doc.get("via"),
            "opened": row["opened_at"], "due": row["due_at"], "accepted": row["accepted_at"],
            "overdue": row["overdue_at"], "closed": ended if row["status"] == "done" else None,
            "cancelled": ended if row["status"] == "cancelled" else None,
            "reason": reasons.get(row["key"]), "flags": doc.get("flags"), "data": _task_data(doc),
        }  # fmt: skip
        yield Row(values, (row["opened_at"],))


def _whose(actor: str) -> str | None:
    """Return the contact or account whose task it is; a theme's task concerns none."""
    kind, _, name = actor.partition("/")
    return None if kind == "theme" else name


def _task_data(doc: dict[str, Any]) -> dict[str, Any] | None:
    """Return what is known with a task: what it was closed with, its evidence and notes."""
    found: dict[str, Any] = dict(doc.get("data") or {})
    if doc.get("evidence"):
        found.setdefault("contacts", doc["evidence"])
    if doc.get("notes"):
        found.setdefault("notes", doc["notes"])
    return found or None


def _cases(seen: Seen) -> Iterator[Row]:
    """Give a row a case, with the contact whose it is now."""
    found: list[Row] = []
    open_: dict[str, Row] = {}
    of_task: dict[str | None, Row] = {}
    for fact in seen.of("case.opened", "case.closed"):
        contact, task = fact["contact"], _data(fact).get("task")
        if fact["fact"] == "case.opened" and task and task in of_task:
            row = of_task[task]  # a merge took it along
            open_.pop(row.values["contact"], None)
            row.values["contact"] = contact
            open_[contact] = row
        elif fact["fact"] == "case.opened":
            values = {"contact": contact, "opened": fact["at"], "closed": None, "held_until": None}
            open_[contact] = of_task[task] = Row(values, (fact["at"],))
            found.append(open_[contact])
        elif contact in open_:
            until = _at(_data(fact).get("held_until"))
            open_.pop(contact).values |= {"closed": fact["at"], "held_until": until}
    yield from found


def _timers(seen: Seen) -> Iterator[Row]:
    """Give a row a timer; setting a pending one again moves it."""
    found: list[Row] = []
    pending: dict[str, Row] = {}
    for fact in seen.of("timer.set", "timer.fired", "timer.cancelled"):
        key, data = fact["key"], _data(fact)  # whose it is: a merge takes timers along
        if fact["fact"] == "timer.set":
            due = instant(data["due"])
            values = {"timer": data["timer"], "due": due, "fired": None, "cancelled": None}
            if key in pending:
                pending[key].values["due"] = due
                pending[key].firsts = (pending[key].firsts[0], due)
            else:
                pending[key] = Row(values, (fact["at"], due))
                found.append(pending[key])
        elif key in pending:
            what = fact["fact"].partition(".")[2]
            pending.pop(key).values |= {what: fact["at"], "reason": data.get("reason")}
    yield from found


# -- rewards and referrals -------------------------------------------------------------------------


def _ledger(seen: Seen) -> Iterator[Row]:
    return _at_once(seen.of("ledger.posted"), "reason", "benefit", "moves")


def _tiers(seen: Seen) -> Iterator[Row]:
    return _at_once(seen.of("tier.changed"), "from_tier", "to_tier")


def _referrals(seen: Seen) -> Iterator[Row]:
    """Give a row a referral, as its referrer knows it at the end."""
    found: dict[str, Row] = {}
    for fact in seen.of("referral."):
        data, referrer = _data(fact), fact["contact"]
        known = seen.doc(referrer).get("referrals", {}).get(data.get("referral"), {})
        if data.get("referral") not in found:
            found[data["referral"]] = Row({"referrer": referrer}, (fact["at"],))
        found[data["referral"]].values |= {
            "lead": data.get("lead"), "reason": data.get("reason"),
            **{name: known.get(name) for name in ("verdict", "stage", "rewarded")},
        }  # fmt: skip
    yield from found.values()


# -- the outside -----------------------------------------------------------------------------------


def _calls(seen: Seen) -> Iterator[Row]:
    return _at_once(seen.of("call.attempted"), "endpoint", "attempt", "status", who="")


def _syncs(seen: Seen) -> Iterator[Row]:
    """Give a row what another system was told: of a contact, or of a lead, as its key says."""
    for fact in seen.of("sync.sent"):
        lead = fact["contact"] if "/lead/" in fact["key"].partition("/sync/")[2] else None
        values = {"at": fact["at"], "contact": fact["contact"], "lead": lead}
        yield Row({**values, **_picked(fact, "target", "fields")}, (fact["at"],))


def _rejected(seen: Seen) -> Iterator[Row]:
    """Give a row an event that intake or the engine refused, or that is parked."""
    rows = [
        Row({name: row[name] for name in ("at", "type", "reason", "field")}, (row["at"],))
        for row in seen.rejects
        if row["verdict"] != "duplicate"
    ]
    engine = seen.of("event.rejected", "event.parked")
    rows += _at_once(engine, "type", "reason", "field", who="")
    yield from sorted(rows, key=lambda row: row.firsts)


def _duplicates(seen: Seen) -> Iterator[Row]:
    for row in seen.rejects:
        if row["verdict"] == "duplicate":
            values = {name: row[name] for name in ("at", "type", "reason", "field")}
            yield Row(values, (row["at"],))


def _contests(seen: Seen) -> Iterator[Row]:
    """Give a row a contest: who won, in order, and how many entries each had."""
    found: dict[str, Row] = {}
    for fact in seen.of("contest."):
        data = _data(fact)
        name = str(data.get("contest") or "")
        if not name:
            continue  # of somebody who was forgotten
        if name not in found:
            found[name] = Row({"contest": name, "winners": [], "entries": {}}, (fact["at"],))
        values = found[name].values
        if fact["fact"] == "contest.entered":
            values["entries"][fact["contact"]] = data["entries"]
        if fact["fact"] == "contest.drawn" and data.get("won"):
            values["winners"].append(fact["contact"])
    yield from found.values()


def _gifts(seen: Seen) -> Iterator[Row]:
    """Give a row a gift of a contact, with its last outcome."""
    found: dict[tuple[str, str], Row] = {}
    for fact in seen.of("gift."):
        key = (fact["contact"], str(_data(fact).get("gift")))
        row = found.setdefault(key, Row({"contact": key[0], "gift": key[1]}, (fact["at"],)))
        row.values["outcome"] = fact["fact"].partition(".")[2]
    yield from found.values()


_SECTIONS: Mapping[str, Callable[[Seen], Iterator[Row]]] = MappingProxyType(
    {
        "runs": _runs, "refused": _refused, "messages": _messages, "skipped": _skipped,
        "asks": _asks, "moments": _moments, "tasks": _tasks, "cases": _cases,
        "timers": _timers, "ledger": _ledger, "tiers": _tiers, "referrals": _referrals,
        "calls": _calls, "syncs": _syncs, "rejected": _rejected, "duplicates": _duplicates,
        "contests": _contests, "gifts": _gifts,
    }
)  # fmt: skip
