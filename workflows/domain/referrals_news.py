"""What the referrers of a lead have not been told: the difference between two of its stories."""

from workflows.domain import ledger_lead
from workflows.domain.referrals_story import ENDS, LIVE, RANKS, WAITING, Referral
from workflows.state import Doc, instant

_QUIET = frozenset({"submitted", "accepted"})
Told = list[tuple[str, str, str, str]]
"""What to tell: the fact, the referral, when it happened, the reason."""


def differences(referral: Referral, before: Doc, now: str) -> Told:
    """Return what the referrer has not been told; an acceptance is undone `now`."""
    verdict, was = referral.verdict, before.get("verdict", "")
    id_, reason = referral.id, referral.reason
    if verdict != was and was == "accepted":
        said = [("referral.voided", id_, now, reason)]
        if verdict in WAITING:  # somebody has to look at it
            at = max(now, referral.sub["at"], key=instant)
            said.append(("referral.held", id_, at, reason))
        return said
    if verdict not in LIVE or (verdict != "accepted" and verdict == was):
        changed = verdict != was
        return (
            [(f"referral.{verdict}", id_, referral.decided_at or referral.sub["at"], reason)]
            if changed
            else []
        )
    told: Told = []
    if verdict != was:
        kind = "referral.accepted" if verdict == "accepted" else "referral.held"
        at = referral.accepted_at or referral.sub["at"]
        if was == "duplicate":  # the next in line: what is to be done is due from then
            at = max(at, now, key=instant)
        told.append((kind, id_, at, reason))
    if verdict == "accepted" or referral.stage == "expired":
        told += _stages(referral, before)
    return told


def _stages(referral: Referral, was: Doc) -> Told:
    """Return the stages passed since; what lies behind the one known only enters the timeline."""
    now = {"stage": referral.stage, "stage_at": referral.stage_at, "deal": referral.deal}
    if ledger_lead.is_won_anew(now, was):
        return [("referral.won", referral.id, referral.stage_at, "")]
    before = str(was.get("stage", "submitted"))
    rank = RANKS.get(before, 0)
    passed = [
        (stage, time) for stage, time in referral.passed
        if stage not in _QUIET and RANKS.get(stage, rank + 1) > rank
    ]  # fmt: skip
    if referral.stage == before:
        passed = []
    elif not passed and referral.stage in ENDS:
        passed = [(referral.stage, referral.stage_at)]
    return [(f"referral.{stage}", referral.id, time, "") for stage, time in passed]
