"""What the checks of a referral see: who the lead is, which firm it works for, what was before.

Everything is as of the submission, by the time it happened, so that later news is judged the
same whenever it arrives.
"""

from datetime import datetime, time, timedelta

from workflows.domain import referrals_checks as checks
from workflows.domain import referrals_firms as firms
from workflows.state import Doc, instant
from workflows.turn import Turn


def hits_of(turn: Turn, sub: Doc) -> dict[str, str]:
    """Return what each check sees, by check; only those that the policy names matter."""
    at = instant(sub["at"])
    hits = dict(sub["hits"]) if "hits" in sub else by_referrer(turn, sub)
    if sub["disposable"]:
        hits["disposable"] = "domain"
    if sub["velocity"]:
        hits["velocity"] = "pace"
    if any(_is_customer(turn, firm, at) == "customer" for firm in _firms(turn)):
        hits["customer"] = "active"
    if any(_was_open(turn, firm, at) for firm in _firms(turn)):
        hits["open_deal"] = "opened_before"
    return hits


def by_referrer(turn: Turn, sub: Doc) -> dict[str, str]:
    """Return what the checks see that ask who recommends: oneself, one's own firm.

    Kept as `hits` of the submission when its referrer is forgotten: what stands against a
    recommendation does not fall with who made it.
    """
    referrer, hits = sub["referrer"], {}
    marks = {*sub["given"], *checks.marks_of(turn.doc)}
    if referrer["id"] == turn.contact:
        hits["self"] = "person"
    elif marks & set(referrer["marks"]):
        hits["self"] = "address"
    domain = sub["domain"] or checks.firm_domain(
        str(turn.doc.get("email", "")), turn.programme.mail
    )
    accounts = {str(turn.doc.get("account", "")), *firms.known(turn.doc)} - {""}
    if referrer["account"] and referrer["account"] in accounts:
        hits["own_firm"] = "account"
    elif domain and domain in referrer["domains"]:
        hits["own_firm"] = "domain"
    return hits


def flags_of(turn: Turn, sub: Doc) -> list[str]:
    """Return what is good to know of a lead that was accepted: `winback`, who left long ago."""
    at = instant(sub["at"])
    gone = any(_is_customer(turn, firm, at) == "winback" for firm in _firms(turn))
    return ["winback"] if gone else []


def _firms(turn: Turn) -> list[Doc]:
    """Return what can be a customer: the lead itself, and the firms it works for."""
    return [turn.doc, *firms.known(turn.doc).values()]


def _is_customer(turn: Turn, firm: Doc, at: datetime) -> str:
    """Return `customer`, `winback` for one who left long enough ago, or '' for neither."""
    policy = turn.programme.policies.referrals.checks.get("customer")
    since, until = firm.get("customer_since"), firm.get("customer_until")
    if policy is None or not (since or until):
        return ""
    if since and _day_end(turn, since) > at:
        return ""
    ended = _day_start(turn, until) if until else None
    if ended is None or ended > at:
        return "customer"
    if since and _day_start(turn, since) > ended:
        return "customer"  # came back since
    if not policy.winback:
        return ""
    return "winback" if turn.add(ended, policy.winback) < at else "customer"


def _day_start(turn: Turn, written: str) -> datetime:
    """Return the instant that a day or an instant begins."""
    if "T" in written or " " in written:
        return instant(written)
    day = datetime.fromisoformat(written).date()
    return datetime.combine(day, time(), tzinfo=turn.programme.zone)


def _day_end(turn: Turn, written: str) -> datetime:
    """Return when it is certain that a day has begun to count: at its end."""
    if "T" in written or " " in written:
        return instant(written)
    day = datetime.fromisoformat(written).date() + timedelta(days=1)
    return datetime.combine(day, time(), tzinfo=turn.programme.zone)


def _was_open(turn: Turn, firm: Doc, at: datetime) -> bool:
    """Tell whether a deal was in the pipeline before the recommendation."""
    park = turn.programme.policies.referrals.park
    for deal in firm.get("deals", {}).values():
        if not deal.get("opened") or instant(deal["opened"]) >= at:
            continue
        ended = instant(deal["ended"]) if deal.get("ended") else None
        if ended is None or ended > at or (deal.get("won") and ended >= before(turn, at, park)):
            return True
    return False


def before(turn: Turn, at: datetime, span: str) -> datetime:
    """Return an instant less a span, as long as the span after it: business days as well."""
    return at - (turn.add(at, span) - at)
