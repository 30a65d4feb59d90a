"""Levels by a count of facts in a rolling window: up at once, down only at the `lower` run."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from workflows.cron import parse_cron
from workflows.durations import parse_span, subtract_span
from workflows.policies_rewards import Tiers
from workflows.state import Doc, Timer, instant, iso
from workflows.turn import Turn

COUNTED_MAX = 500
"""Facts a contact remembers for its tier; the oldest goes first."""
WON = "referral.won"
UNCOUNTED_MAX = 50
"""Facts that count no more, kept by since when and until when they did; the oldest goes first."""
_DATED = "tier"
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
    if _DATED in turn.programme.dated:
        turn.doubt(turn.time)


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


def forget(turn: Turn, key: str, *, was: bool = False) -> None:
    """Count something no more; the level stays until the next `lower` run.

    What `was` so up to now had its contact on a level meanwhile; anything else never was.
    """
    since = turn.doc.get("counted", {}).pop(key, None)
    if since is None:
        return
    turn.save()
    if _DATED in turn.programme.dated:
        if was and instant(since) < turn.time:
            kept = turn.doc.setdefault("uncounted", [])
            kept.append([since, iso(turn.time)])
            del kept[:-UNCOUNTED_MAX]
        turn.doubt(instant(since))


def lost(turn: Turn, event: Doc) -> None:
    """Count a win no more that was lost after all; an acceptance stays one."""
    policy = turn.programme.policies.tiers
    if policy is not None and policy.count == WON:
        forget(turn, key_of(event), was=True)


def undone(turn: Turn, accrual: Doc) -> None:
    """Count no more what a reward was for that is taken back: itself, or the win that it paid."""
    forget(turn, accrual["entry"], was=True)
    policy = turn.programme.policies.tiers
    if policy is not None and policy.count == WON and accrual["side"] == "referrer":
        forget(turn, str(accrual.get("about", {}).get("referral", "")), was=True)


def lower(turn: Turn, _timer: Timer) -> None:
    """Take a contact down to what it still counts, and look again at the next run."""
    policy = turn.programme.policies.tiers
    if policy is None:
        return
    level = _level(turn, policy)
    if policy.levels.get(level, 0) < _threshold(turn, policy):
        _change(turn, policy, level, up=False)
    plan_lower(turn, policy)


def as_of(turn: Turn, at: datetime) -> str:
    """Return the level that a contact had at an instant, by what had been counted then.

    Since the last `lower` run before it, it is the highest that was reached. A level that
    nothing counted explains was given, and has been there all along.
    """
    policy, now = turn.programme.policies.tiers, str(turn.doc.get("tier", ""))
    if policy is None:
        return now
    before = parse_cron(policy.lower).last(at, turn.programme.zone) if policy.lower else None
    times = [since for since, _ in _spans(turn)]
    reached = [_at(turn, policy, each) for each in times if (before or each) <= each <= at]
    if before and any(each <= before for each in times):
        reached.append(_at(turn, policy, before))
    known = policy.levels.get(now, 0)
    if known and known > max(
        (policy.levels.get(_at(turn, policy, e), 0) for e in times), default=0
    ):
        return now
    return max(reached, key=lambda level: policy.levels.get(level, 0), default="")


def _spans(turn: Turn) -> list[tuple[datetime, datetime | None]]:
    """Return since when, and until when, each fact counted."""
    there = [*turn.doc.get("released", ()), *turn.doc.get("counted", {}).values()]
    gone = turn.doc.get("uncounted", ())
    return [
        *((instant(since), None) for since in there),
        *((instant(since), instant(until)) for since, until in gone),
    ]


def _at(turn: Turn, policy: Tiers, at: datetime) -> str:
    """Return the level that what counted at an instant reaches."""
    zone, office = turn.programme.zone, turn.programme.office
    opens = subtract_span(at, parse_span(policy.within), zone=zone, office=office)
    return _reached(policy, sum(
        opens < since <= at and (until is None or at < until) for since, until in _spans(turn)
    ))  # fmt: skip


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
