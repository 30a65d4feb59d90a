"""Levels by a count of facts in a rolling window: up at once, down only at the `lower` run."""

from datetime import timedelta

from workflows.cron import parse_cron
from workflows.policies import Tiers
from workflows.state import Doc, Timer, instant
from workflows.turn import Turn

COUNTED_MAX = 500
"""Facts a contact remembers for its tier; the oldest goes first."""
_SECOND = timedelta(seconds=1)


def count(turn: Turn, event: Doc) -> None:
    """Count a fact of this contact, and take it up if that reaches a level."""
    policy = turn.programme.policies.tiers
    if policy is None or event["type"] != policy.count or not turn.contact:
        return
    if event["data"].get("side", "referrer") != "referrer":
        return  # a small step, or who was recommended: neither recommended anybody
    counted = turn.doc.setdefault("counted", {})
    counted[key_of(event)] = event["time"]
    while len(counted) > COUNTED_MAX:
        del counted[min(counted, key=lambda key: (instant(counted[key]), key))]
    turn.save()
    level = _level(turn, policy)
    if policy.levels.get(level, 0) > _threshold(turn, policy):
        _change(turn, policy, level, up=True)
    plan_lower(turn, policy)


def key_of(event: Doc) -> str:
    """Return what an event is counted by: its reward or referral, so that it can be taken back."""
    data = event["data"]
    return str(data.get("entry") or data.get("referral") or f"{event['source']}#{event['id']}")


def forget(turn: Turn, key: str) -> None:
    """Count something no more; the level stays until the next `lower` run."""
    counted = turn.doc.get("counted", {})
    if counted.pop(key, None) is not None:
        turn.save()


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
    if policy.lower and _threshold(turn, policy) > min(policy.levels.values(), default=0):
        due = parse_cron(policy.lower).next(turn.now + _SECOND, turn.programme.zone)
        turn.set_timer("lower", f"{turn.state.actor}/lower", due, name="lower")


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
