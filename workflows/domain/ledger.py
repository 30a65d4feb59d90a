"""The book: rewards accrued, held, released; every change a new transaction that sums to zero."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from workflows.state import Doc, Entry, Run, Timer, instant, iso
from workflows.turn import Turn

PROGRAMME = "programme"
"""The account on the other side of every accrual: what the programme issued."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What is to be credited: an amount or a benefit, for a business object and a side."""

    object: str
    side: str
    amount: int
    benefit: str
    hold: str
    rule: str

    @property
    def reason(self) -> str:
        """Return the reason of everything that befalls this accrual: `deal/d-9/referrer`.

        What has no sides, such as a stage of a journey, is its own reason.
        """
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
                 "benefit": grant.benefit, "hold": grant.hold, "rule": grant.rule},
    }  # fmt: skip


def granted(turn: Turn, event: Doc) -> bool:
    """Credit what another actor's run granted to this one."""
    data = event["data"]
    grant = Grant(
        data["object"], data["side"], data["amount"], data["benefit"], data["hold"], data["rule"]
    )
    accrue(turn, grant)
    return False


def accrue(turn: Turn, grant: Grant, *, run: Run | None = None, step: str = "") -> datetime:
    """Book an accrual and return when it is free; a live one for the same is not doubled."""
    accruals = turn.doc.setdefault("accruals", {})
    known = accruals.get(grant.reason)
    if known is not None and known["state"] != "reversed":
        return instant(known["free_at"])
    since = instant(run.doc["time"]) if run else turn.time
    free_at = turn.add(since, grant.hold)
    number = known["number"] + 1 if known else 1
    entry = sha256(f"{turn.state.actor}\n{grant.reason}\n{number}".encode()).hexdigest()[:20]
    held = free_at > since
    accruals[grant.reason] = {
        "entry": entry, "number": number, "amount": grant.pieces, "benefit": grant.benefit,
        "side": grant.side, "object": grant.object, "rule": grant.rule,
        "state": "pending" if held else "available", "free_at": iso(free_at),
    }  # fmt: skip
    bucket = "pending" if held else "available"
    turn.fact(
        "reward.accrued",
        entry,
        run=run,
        step=step,
        entry=entry,
        side=grant.side,
        amount=grant.amount or None,
        benefit=grant.benefit or None,
        bucket=bucket,
    )
    post(turn, accruals[grant.reason], "accrued", {bucket: grant.pieces}, grant.reason, run=run)
    if held:
        turn.set_timer("hold", f"{entry}/hold", free_at, name="hold", run=None, subject=entry)
    return free_at


def post(
    turn: Turn,
    accrual: Doc,
    what: str,
    moves: dict[str, int],
    reason: str,
    *,
    run: Run | None = None,
) -> None:
    """Write one transaction: the contact's moves, balanced by the programme's account."""
    entry, benefit = accrual["entry"], accrual["benefit"]
    txn = f"{entry}/{what}"
    rest = -sum(moves.values())
    lines = [(turn.state.actor, bucket, delta) for bucket, delta in moves.items()]
    if rest:
        lines.append((PROGRAMME, "issued", rest))
    turn.changes.entries += [
        Entry(key=f"{txn}/{account}/{bucket}", txn=txn, account=account, bucket=bucket,
              delta=delta, reason=reason, at=turn.now, benefit=benefit,
              object=accrual["object"], side=accrual["side"], cause=turn.cause,
              rule=accrual["rule"])
        for account, bucket, delta in lines
    ]  # fmt: skip
    if not benefit:
        balance = turn.doc.setdefault("balance", {})
        for bucket, delta in moves.items():
            balance[bucket] = balance.get(bucket, 0) + delta
    turn.save()
    turn.fact(
        "ledger.posted",
        txn,
        run=run,
        entry=entry,
        contact=turn.contact,
        reason=reason,
        benefit=benefit or None,
        moves=moves,
    )


def _accrual(turn: Turn, entry: str) -> tuple[str, Doc] | None:
    """Find an accrual by its entry, or by its reason: one of each is live at most."""
    for reason, accrual in turn.doc.get("accruals", {}).items():
        if entry in (accrual["entry"], reason):
            return reason, accrual
    return None


def hold_passed(turn: Turn, timer: Timer) -> None:
    """The hold is over: what was pending is available."""
    _release(turn, timer.subject, "hold")


def approved(turn: Turn, event: Doc) -> bool:
    """A person released a held reward before its time, naming its entry or its reason."""
    found = _accrual(turn, str(event["data"]["entry"]))
    if found is not None and _release(turn, found[1]["entry"], "approved"):
        turn.cut_timer(f"{found[1]['entry']}/hold", "approved")
    return True


def _release(turn: Turn, entry: str, by: str) -> bool:
    found = _accrual(turn, entry)
    if found is None or found[1]["state"] != "pending":
        return False
    reason, accrual = found
    accrual["state"] = "available"
    amount = accrual["amount"]
    benefit = accrual["benefit"]
    post(turn, accrual, "released", {"pending": -amount, "available": amount}, reason)
    turn.fact(
        "reward.released",
        f"{entry}/released",
        entry=entry,
        side=accrual["side"],
        amount=None if benefit else amount,
        benefit=benefit or None,
        bucket="available",
        by=by,
    )
    return True
