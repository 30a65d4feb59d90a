"""Levels by a count of facts in a rolling window: up at once, down only at the `lower` run."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workflows.cron import parse_cron
from workflows.policies_rewards import Tiers
from workflows.state import Doc, Timer, instant
from workflows.turn import Turn

COUNTED_MAX = 500
"""Facts a contact remembers for its tier; the oldest goes first."""
WON = "referral.won"
_SECOND = timedelta(seconds=1)


def count(turn: Turn, event: Doc) -> None:
    """Count a fact of this contact, and take it up if that reaches a level."""
    policy = turn.programme.policies.tiers
    if policy is None or event["type"] != policy.count or not turn.contact:
        return
    if event["data"].get("side", "referrer") != "referrer":
        return  # a small step, or who was recommended: neither recommended anybody
    if _is_undone(turn, event["data"].get("entry")):
        return  # the loss was known before the win, and both are of one instant
    counted = turn.doc.setdefault("counted", {})
    counted[key_of(event)] = event["time"]
    while len(counted) > COUNTED_MAX:
        del counted[min(counted, key=lambda key: (instant(counted[key]), key))]
    turn.save()
    reach(turn)


def _is_undone(turn: Turn, entry: object) -> bool:
    """Tell whether a reward was taken back before anybody could count it."""
    accruals = turn.doc.get("accruals", {}).values()
    return bool(entry) and not any(
        each["entry"] == entry and each["state"] != "reversed" for each in accruals
    )


def reach(turn: Turn) -> None:
    """Take a contact up to the level that what counts now reaches."""
    policy = turn.programme.policies.tiers
    if policy is None:
        return
    level = _level(turn, policy)
    if policy.levels.get(level, 0) > _threshold(turn, policy):
        _change(turn, policy, level, up=True)
    plan_lower(turn, policy)


def keep_higher(turn: Turn, other: str) -> None:
    """Keep the level of another record of this contact, if it is higher: down is for the run."""
    policy = turn.programme.policies.tiers
    if policy is not None and policy.levels.get(other, 0) > _threshold(turn, policy):
        turn.doc["tier"] = other


def key_of(event: Doc) -> str:
    """Return what an event is counted by: its reward or referral, so that it can be taken back."""
    data = event["data"]
    return str(data.get("entry") or data.get("referral") or f"{event['source']}#{event['id']}")


def forget(turn: Turn, key: str) -> None:
    """Count something no more; the level stays until the next `lower` run."""
    counted = turn.doc.get("counted", {})
    if counted.pop(key, None) is not None:
        turn.save()


def lost(turn: Turn, event: Doc) -> None:
    """Count a win no more that was lost after all; an acceptance stays one."""
    policy = turn.programme.policies.tiers
    if policy is not None and policy.count == WON:
        forget(turn, key_of(event))


def undone(turn: Turn, accrual: Doc) -> None:
    """Count no more what a reward was for that is taken back: itself, or the win that it paid."""
    forget(turn, accrual["entry"])
    policy = turn.programme.policies.tiers
    if policy is not None and policy.count == WON and accrual["side"] == "referrer":
        forget(turn, str(accrual.get("about", {}).get("referral", "")))


def lower(turn: Turn, _timer: Timer) -> None:
    """Take a contact down to what it still counts, and look again at the next run."""
    policy = turn.programme.policies.tiers
    if policy is None:
        return
    level = _level(turn, policy)
    if policy.levels.get(level, 0) < _threshold(turn, policy):
        _change(turn, policy, level, up=False)
    plan_lower(turn, policy)


def plan_lower(turn: Turn, policy: Tiers) -> None:
    """Promise to look at the next `lower` run, where there is a level to lose."""
    due = next_lower(policy, turn.doc.get("tier", ""), turn.now, turn.programme.zone)
    if due is not None:
        timer = lower_timer(turn.state.actor, due)
        turn.set_timer(timer.kind, timer.key, due, name=timer.name)


def next_lower(policy: Tiers, tier: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first run after `now` that may take somebody of this level down, if any may."""
    if not policy.lower or policy.levels.get(tier, 0) <= min(policy.levels.values(), default=0):
        return None
    return parse_cron(policy.lower).next(now + _SECOND, zone)


def lower_timer(actor: str, due: datetime) -> Timer:
    """Return the timer that looks at a contact's level."""
    return Timer(f"{actor}/lower", actor, due, "lower", "lower")


def _level(turn: Turn, policy: Tiers) -> str:
    """Return the highest level that what counts now reaches; '' where none does."""
    since = turn.ago(policy.within)
    times = [*turn.doc.get("released", ()), *turn.doc.get("counted", {}).values()]
    number = sum(instant(at) > since for at in times)
    return _reached(policy, number)


def _reached(policy: Tiers, number: int) -> str:
    reached = [(least, name) for name, least in policy.levels.items() if least <= number]
    return max(reached)[1] if reached else ""


def _threshold(turn: Turn, policy: Tiers) -> int:
    """Return what the contact's present level takes."""
    return policy.levels.get(turn.doc.get("tier", ""), 0)


def _change(turn: Turn, policy: Tiers, level: str, *, up: bool) -> None:
    before = turn.doc.get("tier") or _reached(policy, 0)
    turn.doc["tier"] = level
    turn.save()
    turn.fact("tier.changed", tier=level, from_tier=before, to_tier=level, up=up)
