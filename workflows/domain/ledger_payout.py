"""What is chosen: reserved at once, handed over by whatever workflow does so, then fulfilled.

Reserving is the booking: two choices of the same stars, however close, are one payout and one
refusal. What is undone while a call hands it over waits for that call.
"""

from hashlib import sha256

from workflows.domain import gifts, ledger, ledger_lots, ledger_reversal, refusing
from workflows.nodes import Node
from workflows.rewarding import CHOICE
from workflows.state import Doc, Run, iso
from workflows.steps.outcome import UNCERTAIN, Outcome
from workflows.turn import Turn

DONATION = "donation"
"""The choice that gives a reward away: it names the charity."""


def chosen(turn: Turn, event: Doc) -> bool:
    """Reserve what a contact chose, or refuse it and say which field is to blame."""
    data = event["data"]
    choice, amount, charity = data["choice"], data["amount"], data.get("charity") or ""
    against = _against(turn, choice, amount, charity)
    if against is not None:
        reason, field = against
        return refusing.reject(turn, event, reason, field)
    benefit = choice if ledger_lots.pieces(turn, choice) >= amount else ""
    mark = f"{turn.state.actor}\n{event['source']}#{event['id']}"
    entry = sha256(mark.encode()).hexdigest()[:20]
    payout: Doc = {
        "entry": entry, "choice": choice, "charity": charity, "amount": amount,
        "benefit": benefit, "donated": choice == DONATION, "status": "reserved",
        "rule": f"{CHOICE}{choice}@{turn.programme.hash}", "at": iso(turn.time),
        "taken": ledger_lots.spend(turn, amount, benefit),
    }  # fmt: skip
    turn.doc.setdefault("payouts", {})[entry] = payout
    ledger.write(turn, payout, "reserved", {"available": -amount, "paid": amount}, _reason(payout))
    if f"{CHOICE}{choice}" in turn.programme.rewarding.stocks and not benefit:
        payout["status"] = "wanted"  # until the stock says that there is one
        _ask_stock(turn, payout, "gift.wanted", {"at": event["time"]})
    else:
        _reserved(turn, payout)
    return True


def stocked(turn: Turn, event: Doc) -> bool:
    """Go on with a payout that is a gift: there is one, or there is none and it is cancelled."""
    payout = turn.doc.get("payouts", {}).get(event.get("payout", ""))
    is_there: bool = event["type"] == gifts.RESERVED
    if payout is None:
        return is_there  # a contest's: workflows hear of it, of none left nobody does
    if "erased_at" in turn.doc and payout["status"] == "wanted":
        _put_back(turn, payout)
        return False
    if payout["status"] == "wanted" and is_there:
        payout |= {"status": "reserved", "gift": event["data"]["gift"]}
        _reserved(turn, payout)
    elif payout["status"] == "wanted":
        _cancel(turn, payout)
        said = {name: payout[name] for name in ("entry", "amount", "choice")}
        turn.fact("reward.skipped", f"{payout['entry']}/none", reason="none_left", **said)
    _settle(turn)
    return False  # they hear of the payout


def _reserved(turn: Turn, payout: Doc) -> None:
    turn.save()
    turn.fact("reward.reserved", f"{payout['entry']}/reserved", bucket="paid", **_said(payout))


def _ask_stock(turn: Turn, payout: Doc, kind: str, data: Doc) -> None:
    """Tell the stock of a choice about a payout; one without a stock has nobody to tell."""
    stock = f"{CHOICE}{payout['choice']}"
    if stock in turn.programme.rewarding.stocks and not payout["benefit"]:
        entry = payout["entry"]
        gifts.ask(turn, stock, kind, f"{entry}/{kind}", {"key": entry, "payout": entry, **data})


def _against(turn: Turn, choice: str, amount: int, charity: str) -> tuple[str, str] | None:
    """Return why a choice cannot be had, and the field that says so."""
    if choice not in turn.programme.rewarding.choices:
        return "unknown_choice", "data.choice"
    if choice == DONATION and not charity:
        return "required", "data.charity"
    if max(ledger.available(turn), ledger_lots.pieces(turn, choice)) < amount:
        return "insufficient", "data.amount"
    return None


def _reason(payout: Doc) -> str:
    """Return the reason of a payout: `donation/kika`, or the choice's name."""
    return f"{DONATION}/{payout['charity']}" if payout["donated"] else str(payout["choice"])


def _said(payout: Doc) -> Doc:
    said = {name: payout[name] for name in ("entry", "amount", "choice", "charity")}
    return {**said, "benefit": payout["benefit"] or payout.get("gift")}


def decided(turn: Turn, run: Run, node: Node, outcome: Outcome) -> bool:
    """Note that a payout was handed over; True where the run has nothing left to hand over.

    That is so when its call failed and what it would have paid from was undone meanwhile:
    the payout is cancelled, and its reward taken back. Not where the call may have been heard:
    then it counts as handed over until somebody says otherwise.
    """
    payout = turn.doc.get("payouts", {}).get(run.doc["trigger"]["data"]["entry"])
    if payout is not None and payout["status"] == "cancelled":
        return outcome.name == "failed"  # an operator retried it
    if payout is None or payout["status"] != "reserved":
        return False
    if outcome.name == "done":
        payout["status"] = "fulfilled"
        turn.save()
        _ask_stock(turn, payout, "gift.sent", {})
        key = f"{payout['entry']}/fulfilled"
        turn.fact("reward.fulfilled", key, run=run, step=node.name, bucket="paid", **_said(payout))
        run.doc["at"] = ""  # no call of it is in flight any more
        _settle(turn)
        return False
    if outcome.name != "failed":
        return False
    run.doc["at"] = ""
    waiting = [a for a in ledger_reversal.undone(turn) if a["entry"] in payout["taken"]]
    unsure = outcome.reason == UNCERTAIN
    if waiting and not unsure:
        _cancel(turn, payout)
        _ask_stock(turn, payout, "gift.returned", {})
    _settle(turn)
    return bool(waiting) and not unsure


def forgone(turn: Turn, entry: str) -> None:
    """Cancel a payout that nobody hands over any more: whose it was is forgotten."""
    payout = turn.doc.get("payouts", {}).get(entry)
    if payout is not None and payout["status"] == "reserved":
        _put_back(turn, payout)


def _put_back(turn: Turn, payout: Doc) -> None:
    _cancel(turn, payout)
    _ask_stock(turn, payout, "gift.returned", {})
    _settle(turn)
    turn.save()


def over(turn: Turn) -> None:
    """Decide what waited for a run that is over."""
    _settle(turn)


def _cancel(turn: Turn, payout: Doc) -> None:
    payout["status"] = "cancelled"
    amount = payout["amount"]
    ledger_lots.put_back(turn, payout)
    ledger.write(turn, payout, "cancelled", {"paid": -amount, "available": amount}, _reason(payout))


def _settle(turn: Turn) -> None:
    for accrual in ledger_reversal.undone(turn):
        ledger_reversal.settle(turn, accrual)
