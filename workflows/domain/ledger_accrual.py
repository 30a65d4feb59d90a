"""What earns: rewards accrued, held, released by their timer or by a person."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256

from workflows.domain import (
    ledger,
    ledger_budget,
    ledger_expiry,
    ledger_reversal,
    ledger_room,
    refusing,
)
from workflows.state import Doc, Run, Timer, instant, iso
from workflows.turn import Turn


@dataclass(frozen=True, slots=True)
class Grant:
    """What is to be credited: an amount or a benefit, for a business object and a side.

    Attributes:
        won_at: When what earns it happened: what undoes it must be no older.
        about: The business objects it is about, by name: news of one of them may undo it.
    """

    object: str
    side: str
    amount: int
    benefit: str
    hold: str
    rule: str
    won_at: str = ""
    about: Doc = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Return the reason of everything that befalls this accrual: `deal/d-9/referrer`."""
        return f"{self.object}/{self.side}" if self.side else self.object

    @property
    def pieces(self) -> int:
        """Return what is booked: the amount, one piece of a benefit."""
        return 1 if self.benefit else self.amount


def grant_event(turn: Turn, run: Run, step: str, grant: Grant, person: str) -> Doc:
    """Return the event that credits somebody else: it goes into their own inbox."""
    return {
        "id": f"{run.id}/{step}/1", "source": "vouch", "type": "reward.granted", "fact": True,
        "time": iso(turn.time), "contact": person,
        "data": {"object": grant.object, "side": grant.side, "amount": grant.amount,
                 "benefit": grant.benefit, "hold": grant.hold, "rule": grant.rule,
                 "won_at": grant.won_at, "about": grant.about},
    }  # fmt: skip


def accrue(
    turn: Turn,
    grant: Grant,
    *,
    run: Run | None = None,
    step: str = "",
    again: Doc | None = None,
) -> datetime | None:
    """Book an accrual and return when it is free; a live one for the same is not doubled.

    None where a limit of the rewards leaves no room for it. What is known to have been undone
    since it was won is taken back in the same instant. `again` is what was refused before: it
    turned out that there is room for it.
    """
    accruals = turn.doc.setdefault("accruals", {})
    key = ledger.key_of(accruals, grant.reason)
    known = accruals.get(key)
    if known is not None and known["state"] in ledger.LIVE:
        return instant(known["free_at"])
    since = instant(run.doc["time"]) if run else turn.time
    won_at = grant.won_at or iso(since)
    bounded = _bounded(turn, grant, won_at, since, run, again)
    if bounded is None:
        said = ledger.said(grant.side, grant.amount, grant.benefit)
        turn.fact("reward.skipped", run=run, step=step, reason=ledger_room.CAPPED, **said)
        return None
    free_at = turn.add(since, grant.hold)
    number = known["number"] + 1 if known else 1
    entry = sha256(f"{turn.state.actor}\n{grant.reason}\n{number}".encode()).hexdigest()[:20]
    bucket = "pending" if free_at > since else "available"
    accrual: Doc = {
        "entry": entry, "number": number, "amount": grant.pieces, "benefit": grant.benefit,
        "side": grant.side, "object": grant.object, "rule": grant.rule, "state": bucket,
        "free_at": iso(free_at), "won_at": won_at, "about": grant.about, "left": grant.pieces,
        "since": iso(since), **bounded,
    }  # fmt: skip
    accruals[key] = accrual
    said = ledger.said_of(accrual)
    turn.fact("reward.accrued", entry, run=run, step=step, bucket=bucket, **said)
    ledger.post(turn, accrual, "accrued", {bucket: grant.pieces}, run=run)
    if bucket == "pending":
        turn.set_timer("hold", f"{entry}/hold", free_at, name="hold", run=None, subject=entry)
    else:
        ledger_expiry.set_timer(turn, accrual, free_at)
        if grant.about.get("referral"):  # no hold to wait for: a conversion all the same
            _say_released(turn, accrual, "hold")
    if bounded:
        _ask(turn, accrual)
    ledger_reversal.taken_back_already(turn, accrual)
    return free_at


def _bounded(
    turn: Turn, grant: Grant, won_at: str, since: datetime, run: Run | None, again: Doc | None
) -> Doc | None:
    """Return what an accrual keeps where the programme bounds what is earned; None: no room.

    What finds none is remembered: late news may show that there was some.
    """
    if grant.benefit or not ledger_room.is_bounded(turn):
        return {}
    ledger_room.as_policy_says(turn)
    event = run.doc["trigger"] if run else turn.event
    of = ledger_room.whose(turn, event) if again is None else again.get("of", "")
    kept: Doc = {"hold": grant.hold, "since": iso(since), **({"of": of} if of else {})}
    wish = {**asdict(grant), "won_at": won_at, "reason": grant.reason, **kept}
    if "" not in ledger_room.fitting(turn, wish):
        ledger_room.refuse(turn, wish, ledger_room.CAPPED)
        ledger_reversal.lost_already(turn, wish)
        return None
    if again is None:
        ledger_room.drop(turn, grant.reason)
        return kept
    kept["returns"] = again.get("returns", 0) + 1
    return kept | ({"item": again["item"]} if again.get("item") else {})


def _ask(turn: Turn, accrual: Doc) -> None:
    """Have the budget count an accrual, or know that what it has room for is free."""
    given = accrual["state"] != "pending"
    if "item" not in accrual:
        reason = ledger.reason_of(accrual)
        item = ledger_room.named(turn, accrual["entry"])
        ledger_budget.ask(turn, accrual, item, reason, given=given)
    elif given:
        ledger_budget.give(turn, accrual)
    ledger_room.look_later(turn)


def hold_passed(turn: Turn, timer: Timer) -> None:
    """The hold is over: what was pending is available."""
    accrual = ledger.by_entry(turn, timer.subject)
    if accrual is not None:
        _release(turn, accrual, "hold")


def approved(turn: Turn, event: Doc) -> bool:
    """A person released a held reward before its time, naming its entry or its reason."""
    accrual = ledger.by_entry(turn, str(event["data"]["entry"]))
    if accrual is None:
        return refusing.reject(turn, event, "unknown_entry", "data.entry")
    if not _release(turn, accrual, "approved"):
        return refusing.nothing_to_do(turn, event, _SETTLED[accrual["state"]], "data.entry")
    turn.cut_timer(f"{accrual['entry']}/hold", "approved")
    return True


_SETTLED = {"available": "reward_free", "reversed": "reward_reversed", "kept": "reward_reversed"}
"""Why there is nothing to approve any more, by what became of a reward."""


def _release(turn: Turn, accrual: Doc, by: str) -> bool:
    if accrual["state"] != "pending":
        return False
    accrual["state"] = "available"
    if turn.time < instant(accrual["free_at"]):
        accrual["freed_at"] = iso(turn.time)
    ledger_budget.give(turn, accrual)
    amount = accrual["amount"]
    ledger.post(turn, accrual, "released", {"pending": -amount, "available": amount})
    ledger_expiry.set_timer(turn, accrual, turn.time)
    _say_released(turn, accrual, by)
    return True


def _say_released(turn: Turn, accrual: Doc, by: str) -> None:
    key = f"{accrual['entry']}/released"
    turn.fact("reward.released", key, bucket="available", by=by, **ledger.said_of(accrual))
