"""Who earns (`rewards.if`): judged as of when it was earned, and again when late words come.

What was earned is remembered with the instant as of which it was judged, and so is what was
not. A word on the contact that is about an earlier instant has those judged again: what should
never have been credited is taken back, what should have been is credited after all.

Nothing here is touched where `rewards.if` reads nothing of a contact.
"""

from dataclasses import asdict
from datetime import datetime

from workflows.domain import as_of, blocking, contests, ledger, ledger_reversal, ledger_room
from workflows.domain.ledger_accrual import Grant, accrue
from workflows.durations import parse_span, subtract_span
from workflows.expressions import EvaluationError, activation
from workflows.state import Doc, Run, instant, iso
from workflows.turn import Turn

REASON = "not_eligible"
"""Why nothing is earned, and why a reward is taken back that should not have been credited."""
UNEARNED_MAX = 50
"""Rewards that somebody did not earn, kept to be judged again; the oldest goes first."""
_GRANT = ("object", "side", "amount", "benefit", "hold", "rule", "won_at", "about")
WORDS = frozenset({"nps.answered", "contact.updated", "optin.confirmed"})
"""Events that say of a contact what `rewards.if` may read."""
_OF_THE_ENGINE = frozenset({"open_case", "tier"})


def judge(turn: Turn, at: datetime, run: Run | None = None) -> Doc | None:
    """Return as of when and by what somebody earns; None where they do not."""
    judged = _judgement(turn, at)
    return judged if _holds(turn, judged, run) else None


def _judgement(turn: Turn, at: datetime) -> Doc:
    judged: Doc = {"at": iso(at)}
    judged |= as_of.whose(turn, turn.event or {})
    if seen := as_of.seen(turn, turn.programme.earning, turn.programme.earning_firm):
        judged["seen"] = seen
    return judged


def _holds(turn: Turn, judged: Doc, run: Run | None = None) -> bool:
    condition = turn.programme.rewards_if
    if condition is None:
        return True
    at = instant(judged["at"])
    values = turn.names()
    if turn.programme.earning and turn.contact:
        values["contact"] = as_of.view(turn, judged, turn.programme.earning)
        if "seen" in judged:
            values["account"] = judged["seen"]["account"]
    zone, office = turn.zone, turn.programme.office
    try:
        return condition.evaluate(activation(
            values, at, lambda span: subtract_span(at, parse_span(span), zone=zone, office=office)
        )) is True  # fmt: skip
    except EvaluationError as error:
        turn.fact("condition.failed", run=run, where="rewards.if", error=str(error))
        return False


def earned(turn: Turn, grant: Grant, judged: Doc, since: str) -> None:
    """Remember of a reward that was credited, counted from `since`, as of when it was earned."""
    if not turn.programme.earning:
        return
    turn.doc.get("unearned", {}).pop(grant.reason, None)
    accrual = turn.doc.get("accruals", {}).get(grant.reason)
    if accrual is not None and accrual["state"] in ledger.LIVE and "judged" not in accrual:
        accrual["judged"] = judged | {"hold": grant.hold, "run": since}
        turn.save()
    wish = ledger_room.outside(turn).get(grant.reason)
    if wish is not None and "judged" not in wish:
        wish["judged"] = judged | {"hold": grant.hold, "run": since}


def granted(turn: Turn, event: Doc) -> bool:
    """Credit what another actor's run granted to this one, if they earn: a referee is not asked."""
    grant = Grant(**event["data"])
    since = iso(turn.time)
    if grant.side != "referrer":
        accrue(turn, grant)
        return False
    judged = None
    if blocking.earns(turn.doc, grant.won_at or since):
        judged = judge(turn, turn.time)
        if judged is None:
            unearned(turn, grant, turn.time, since)
    if judged is None:
        said = ledger.said(grant.side, grant.amount, grant.benefit)
        turn.fact("reward.skipped", reason=REASON, **said)
        return False
    accrue(turn, grant)
    earned(turn, grant, judged, since)
    return False


def unearned(turn: Turn, grant: Grant, at: datetime, since: str) -> None:
    """Remember a reward that its contact did not earn: a late word may show that they did."""
    if turn.programme.earning:
        judged = _judgement(turn, at) | {"hold": grant.hold, "run": since}
        _remember(turn, asdict(grant) | {"won_at": grant.won_at or since}, judged)


def _remember(turn: Turn, grant: Doc, judged: Doc) -> None:
    kept: dict[str, Doc] = turn.doc.setdefault("unearned", {})
    reason = Grant(**grant).reason
    kept.pop(reason, None)
    kept[reason] = {"grant": grant, "judged": judged}
    while len(kept) > UNEARNED_MAX:
        del kept[next(iter(kept))]
    turn.save()


def heard(turn: Turn, event: Doc) -> None:
    """Judge again what was earned after an instant that an event says something about."""
    if event["type"] not in WORDS:
        return
    if turn.programme.earning:
        again(turn, instant(event["time"]))
    if turn.programme.rewarding.entering:
        turn.doubt(instant(event["time"]))


def doubted(turn: Turn, since: datetime) -> None:
    """Judge again what goes by cases and levels, now that these are known otherwise."""
    if not turn.programme.earning.isdisjoint(_OF_THE_ENGINE):
        again(turn, since)
    contests.again(turn, since)


def again(turn: Turn, since: datetime) -> None:
    """Judge again what was earned, and what was not, from an instant on."""
    for accrual in list(turn.doc.get("accruals", {}).values()):
        judged = accrual.get("judged")
        if not judged or accrual["state"] not in ("pending", "available"):
            continue
        if instant(judged["at"]) >= since:
            _again(turn, accrual, judged)
    for wish in list(ledger_room.outside(turn).values()):
        judged = wish.get("judged")
        if judged and instant(judged["at"]) >= since and not _holds(turn, judged):
            _remember(turn, {name: wish[name] for name in _GRANT}, judged)
            ledger_room.never(turn, wish)
    for each in list(turn.doc.get("unearned", {}).values()):
        judged, grant = each["judged"], Grant(**each["grant"])
        if instant(judged["at"]) < since or not blocking.earns(turn.doc, grant.won_at):
            continue
        if _holds(turn, judged):
            _credit(turn, grant, judged)


def _again(turn: Turn, accrual: Doc, judged: Doc) -> None:
    """Take back a reward that nobody earned, unless it turns out in time that they did."""
    holds, undone = _holds(turn, judged), accrual.get("undone_by", "")
    reason = ledger.reason_of(accrual)
    if holds and undone == REASON:  # a call in flight has not decided yet
        del accrual["undone_by"]
        turn.doc.get("unearned", {}).pop(reason, None)
        turn.save()
    elif not holds and not undone:
        grant = {name: accrual[name] for name in ("object", "side", "benefit", "rule", "won_at")}
        grant |= {"amount": 0 if accrual["benefit"] else accrual["amount"],
                  "hold": judged["hold"], "about": accrual["about"]}  # fmt: skip
        _remember(turn, grant, judged)
        accrual["undone_by"] = REASON
        ledger_reversal.settle(turn, accrual)


def _credit(turn: Turn, grant: Grant, judged: Doc) -> None:
    """Credit a reward after all, as if it had been when it was earned."""
    del turn.doc["unearned"][grant.reason]
    now, turn.time = turn.time, instant(judged["run"])
    accrue(turn, grant)
    earned(turn, grant, judged, judged["run"])
    turn.time = now


def dated(turn: Turn, referral: str, won_at: str) -> None:
    """Judge again what a referral brought, as of when it was won after all."""
    known = [(each["grant"], each["judged"]) for each in turn.doc.get("unearned", {}).values()]
    accruals = turn.doc.get("accruals", {}).values()
    known += [(each, each["judged"]) for each in accruals if "judged" in each]
    wishes = ledger_room.outside(turn).values()
    known += [(each, each["judged"]) for each in wishes if "judged" in each]
    for of, judged in known:
        then = of.get("won_at")
        if of.get("about", {}).get("referral") == referral and then == judged["at"]:
            judged["at"] = judged["run"] = min(then, won_at, key=instant)
    for each in turn.doc.get("unearned", {}).values():
        if each["grant"]["about"].get("referral") == referral:
            each["grant"]["won_at"] = min(each["grant"]["won_at"], won_at, key=instant)
    again(turn, instant(won_at))
