"""Two records turn out to be one person: the side of the one that is merged into the other.

The secondary's actor packs all it has into one event for the primary's inbox, and is an alias
from then on, for ever: whatever still comes for it goes on to the primary, in order. So there
is no lock on two slices, an event accepted before the merge is handled before it, and a chain
of merges is a chain of forwards. What the primary does with the pack is `absorbing`.
"""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar

from workflows.domain import contacts, redating
from workflows.state import MOVED, Ask, Consent, Doc, Run, Task, Timer, instant, iso
from workflows.syncs import numbers_of
from workflows.turn import Turn

T = TypeVar("T", Run, Ask, Task, Timer, Consent)

ABSORBED = "contact.absorbed"
"""What the secondary tells the primary: all it has."""
SELF = "self_referral_by_merge"
"""Why a reward is reversed that somebody earned by recommending their other record."""
SAID_SINCE = "said_since"
"""Marks a record that was forgotten, and under whose id something came in after that."""
REVIEW_DUE = "2bd"
"""By when somebody looks at it, where the policy of reviews does not say."""
_STAYS = ("id", "name", "given_name", "first_name", "last_name", "email", "phone", "locale",
          "zone")  # fmt: skip
"""What an alias is still called and found by."""
_TIMES = {
    kind: tuple(f.name for f in fields(kind) if f.type in (datetime, datetime | None))
    for kind in (Run, Ask, Task, Timer, Consent)
}


def merged(turn: Turn, event: Doc) -> bool:
    """Pack this contact for the one that remains; refuse what would lead in a circle."""
    into = str(event["data"]["into"])
    if into == turn.contact or into in turn.doc.get("aliases", ()):
        _were_one(turn, event)
    if into == turn.contact:  # who remains hears of it; said again, it is known
        return bool(event.get("fact")) or (not event.get("was") and _refuse(turn, event, "self"))
    if into in turn.doc.get("aliases", ()):
        return _refuse(turn, event, "cycle")
    moves = transfers(turn)
    turn.fact("contact.merged", f"{turn.mark}/merged", into=into)
    for move in moves:
        told(turn, move, {bucket: -delta for bucket, delta in move["moves"].items()})
    pack = _pack(turn)
    _become_alias(turn, into)
    turn.forward(f"contact/{into}", {
        "id": event["id"], "source": f"vouch/{ABSORBED}/{event['source']}", "type": ABSORBED,
        "fact": True, "time": event["time"], "contact": into, "depth": turn.depth + 1,
        "data": {"from": turn.contact, "through": [turn.contact], "transfers": moves, **pack},
    })  # fmt: skip
    return False


def _were_one(turn: Turn, event: Doc) -> None:
    """Have what follows from being one person count from the first of the merges that say so."""
    contacts.were_one(turn)
    into = str(event["data"]["into"])
    other = str(event.get("was") or into)
    review = turn.programme.policies.referrals.review
    due = review.due if review else REVIEW_DUE
    for id_, referral in turn.doc.get("referrals", {}).items():
        lead, referrer = referral["lead"].get("id"), referral["referrer"]["id"]
        if other in (lead, referrer):
            redating.task(turn, f"{id_}/{SELF}", turn.time, due)


def _refuse(turn: Turn, event: Doc, reason: str) -> bool:
    said = {"event": event["id"], "type": event["type"], "reason": reason, "field": "data.into"}
    turn.fact("event.rejected", event["id"], **said)
    return False


def told(turn: Turn, move: Doc, moves: dict[str, int]) -> None:
    """State what the book moved, as this contact sees it."""
    benefit, entry = move["benefit"] or None, move["entry"] or None
    turn.fact("ledger.posted", move["txn"], entry=entry, contact=turn.contact,
              reason=move["reason"], benefit=benefit, moves=moves)  # fmt: skip


# -- the pack --------------------------------------------------------------------------------------


def _pack(turn: Turn) -> Doc:
    state = turn.state
    return {
        "doc": dict(turn.doc),
        "runs": [plain(each) for each in state.runs.values()],
        "asks": [plain(each) for each in state.asks.values()],
        "tasks": [plain(each) for each in state.tasks.values()],
        "timers": [plain(each) for each in state.timers.values()],
        "consents": [plain(each) for each in state.consents.values()],
    }


def plain(value: Run | Ask | Task | Timer | Consent) -> Doc:
    """Return a value as JSON: its instants as text."""
    found: Doc = {}
    for field in fields(value):
        said = getattr(value, field.name)
        found[field.name] = iso(said) if isinstance(said, datetime) else said
    return found


def unpacked(kind: type[T], doc: Doc) -> T:
    """Return the value that `plain` wrote."""
    said: dict[str, Any] = dict(doc)
    for name in _TIMES[kind]:
        said[name] = instant(said[name]) if said[name] else None
    return kind(**said)


def transfers(turn: Turn) -> list[Doc]:
    """Return what the book moves to the primary: a transaction an accrual, one for the rest."""
    reason = f"merge/{turn.contact}"
    found: list[Doc] = []
    rest = {k: int(v) for k, v in turn.doc.get("balance", {}).items() if k in _BUCKETS}
    for accrual in turn.doc.get("accruals", {}).values():
        open_ = accrual["state"] == "pending" or (
            accrual["benefit"] and accrual["state"] == "available"
        )
        amount = accrual["amount"] if accrual["state"] == "pending" else accrual.get("left", 0)
        if not open_ or not amount:
            continue
        if not accrual["benefit"]:
            rest["pending"] = rest.get("pending", 0) - amount
        found.append({
            "txn": f"{accrual['entry']}/merge/{turn.contact}", "entry": accrual["entry"],
            "reason": reason, "benefit": accrual["benefit"], "moves": {accrual["state"]: amount},
            "object": accrual["object"], "side": accrual["side"], "rule": accrual["rule"],
        })  # fmt: skip
    whole = [
        {
            "txn": f"{turn.mark}/merge/{bucket}", "entry": "", "reason": reason, "benefit": "",
            "moves": {bucket: rest[bucket]}, "object": "", "side": "",
            "rule": f"merge@{turn.programme.hash}",
        }
        for bucket in _BUCKETS if rest.get(bucket)
    ]  # fmt: skip
    return whole + found


_BUCKETS = ("available", "paid", "pending")


# -- the alias -------------------------------------------------------------------------------------


def _become_alias(turn: Turn, into: str) -> None:
    """Keep the name and nothing else; what went along is marked as moved where it stood."""
    state, changes = turn.state, turn.changes
    for run in state.runs.values():
        # The guard drops what this run queued: the primary queues it again.
        # A call goes on: its key tells it, and its outcome is handed on. Unless it is paused.
        called = "call" in run.doc.get("wait", {}) and not run.doc.get("paused")
        gone = {"left": not called, "moved_to": into, "trigger": run.doc["trigger"]}
        changes.runs[run.id] = replace(run, status=MOVED, doc=gone)
    for ask in state.asks.values():
        changes.asks[ask.key] = replace(ask, status=MOVED, doc={})
    for task in state.tasks.values():
        changes.tasks[task.key] = replace(task, status=MOVED, title="", doc={})
    for key, timer in state.timers.items():
        changes.timers_set.pop(key, None)
        changes.timers_cut[key] = timer
    for gone_now in (state.runs, state.asks, state.tasks, state.timers):
        gone_now.clear()
    kept = {name: turn.doc[name] for name in _STAYS if name in turn.doc}
    balance = turn.doc.get("balance", {})
    rest = {bucket: n for bucket, n in balance.items() if bucket not in _BUCKETS and n}
    if rest:  # what was reversed, lapsed or borne stays where its lines are
        kept["balance"] = rest
    kept |= numbers_of(turn.doc)  # should the merge be taken back
    turn.doc.clear()
    turn.doc.update(kept, merged_into=into)
    turn.save()


def pass_on(turn: Turn, event: Doc) -> bool:
    """Hand an alias's event on to whom it was merged into; False where it goes no further.

    Two merges that cross would send their packs round for ever. The one of the circle whose
    id comes first lives on: its merge is taken back, and every pack ends there. Unless it was
    merged into somebody else by now: then what goes round goes there.
    """
    me, into = turn.contact, turn.doc["merged_into"]
    if "erased_at" in turn.doc and not event.get("fact"):
        turn.doc[SAID_SINCE] = True  # under this id, by somebody who came back
        turn.save()
    event = {**event, "depth": turn.depth}
    if event["type"] == ABSORBED:
        through = event["data"]["through"]
        circle = through[through.index(me) :] if me in through else ()
        if into in circle and me == min(circle):
            del turn.doc["merged_into"]
            turn.save()
            turn.fact("event.rejected", event["id"], event=event["id"], type="contact.merged",
                      reason="cycle", field="data.into")  # fmt: skip
            return False
        event["data"] = {**event["data"], "through": [*through, me]}
    event["was"] = me
    event.setdefault("of", me)
    for name in ("contact", "lead"):
        if event.get(name) == me:
            event[name] = into
    lead = event.get("data", {}).get("lead")
    if lead == me:
        event["data"] = {**event["data"], "lead": into}
    elif isinstance(lead, dict) and lead.get("id") == me:
        event["data"] = {**event["data"], "lead": {**lead, "id": into}}
    turn.forward(f"contact/{into}", event)
    return True
