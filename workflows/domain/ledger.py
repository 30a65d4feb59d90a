"""The book: every change a new transaction that sums to zero; balances are sums of its lines.

What earns is in `ledger_accrual`, what takes back in `ledger_reversal`, what is chosen in
`ledger_payout`, what lapses in `ledger_expiry`.
"""

import re

from workflows.state import Doc, Entry, Run, instant, iso
from workflows.turn import Turn

PROGRAMME = "programme"
"""The account on the other side of every accrual: what the programme issued."""

LIVE = frozenset({"pending", "available", "kept"})
"""States of an accrual in which posting again for the same object and side is absorbed."""


def said(side: str, amount: int, benefit: str) -> Doc:
    """Return what a fact says of a reward: an amount or a benefit, and whose side earned it."""
    return {"side": side, "amount": None if benefit else amount, "benefit": benefit or None}


def said_of(accrual: Doc) -> Doc:
    """Return what every fact about an accrual says of it."""
    side, amount, benefit = accrual["side"], accrual["amount"], accrual["benefit"]
    return {"entry": accrual["entry"], **said(side, amount, benefit)}


def reason_of(accrual: Doc) -> str:
    """Return the reason of everything that befalls an accrual: `deal/d-9/referrer`.

    What has no sides, such as a stage of a journey, is its own reason.
    """
    return f"{accrual['object']}/{accrual['side']}" if accrual["side"] else str(accrual["object"])


def post(
    turn: Turn, accrual: Doc, what: str, moves: dict[str, int], *, run: Run | None = None
) -> None:
    """Write what befalls an accrual: one transaction."""
    write(turn, accrual, what, moves, reason_of(accrual), run=run)


def write(
    turn: Turn,
    of: Doc,
    what: str,
    moves: dict[str, int],
    reason: str,
    *,
    run: Run | None = None,
) -> None:
    """Write one transaction: the contact's moves, balanced by the programme's account.

    `of` is an accrual or a payout. The key is derived from it, so that writing the same
    twice is absorbed.
    """
    entry, benefit = of["entry"], of["benefit"]
    txn = f"{entry}/{what}"
    rest = -sum(moves.values())
    lines = [(turn.state.actor, bucket, delta) for bucket, delta in moves.items()]
    if rest:
        lines.append((PROGRAMME, "issued", rest))
    turn.changes.entries += [
        Entry(key=f"{txn}/{account}/{bucket}", txn=txn, account=account, bucket=bucket,
              delta=delta, reason=reason, at=turn.now, benefit=benefit,
              object=of.get("object", ""), side=of.get("side", ""), cause=turn.cause,
              rule=of["rule"])
        for account, bucket, delta in lines
    ]  # fmt: skip
    if not benefit:
        balance = turn.doc.setdefault("balance", {})
        for bucket, delta in moves.items():
            balance[bucket] = balance.get(bucket, 0) + delta
    turn.save()
    told: Doc = {
        "contact": turn.contact,
        "reason": reason,
        "benefit": benefit or None,
        "moves": moves,
    }
    turn.fact("ledger.posted", txn, run=run, entry=entry, **told)


def available(turn: Turn) -> int:
    """Return what the contact may spend now; below zero while something is owed."""
    return int(turn.doc.get("balance", {}).get("available", 0))


def by_entry(turn: Turn, entry: str) -> Doc | None:
    """Find an accrual by its entry, or by its reason: one of each is live at most."""
    for reason, accrual in turn.doc.get("accruals", {}).items():
        if entry in (accrual["entry"], reason, _in_iso(reason)):
            found: Doc = accrual
            return found
    return None


def key_of(accruals: Doc, reason: str) -> str:
    """Return the key under which a reason has its accrual, or would have it.

    Objects that are instants were written as `2026-11-22 11:49:38+00:00` once. Their rows in the
    book stay as they are; a credit of the same instant must find them all the same.
    """
    if reason in accruals:
        return reason
    old = _INSTANT.sub(lambda found: str(instant(found[0])), reason)
    return old if old in accruals else reason


def _in_iso(reason: str) -> str:
    """Return a reason with its instants in the form that is used everywhere."""
    return _OLD.sub(lambda found: iso(instant(found[0])), reason)


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)
_OLD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00:00", re.ASCII)
