"""The figures of a scenario, at its end (SCENARIOS section 0, 'Effect vocabulary').

Each is a count over everybody. Who was merged counts once; a corrected answer counts once,
with its last score.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from workers.scenarios.seen import Seen
from workflows.referral.funnel import Standing, funnel
from workflows.referral.reports import is_met
from workflows.state import instant

SURVEY = "survey"
"""The class whose messages are invitations to the survey."""

_GIVEN = frozenset(
    {"quote.given", "story.given", "review.posted", "referral.submitted", "journey.answered"}
)
"""An idea, a quote or a recommendation: whoever gave one is involved (SCENARIOS section B)."""


def count_all(seen: Seen) -> dict[str, int | None]:
    """Return every metric; None for a time that nothing was timed for."""
    bands = Counter(answer["band"] for answer in _answers(seen))
    _, involved, committed = funnel(_standings(seen))
    opened = {fact["data"]["ask"] for fact in seen.of("ask.opened")}
    skipped = {fact["data"]["ask"] for fact in seen.of("ask.skipped")}
    met = [is_met({**row, "done_at": row["doc"].get("done_at")}) for row in seen.tasks]
    overdue = [row["overdue_at"] is not None for row in seen.tasks]
    return {
        "survey_sent": sum(f["data"].get("class") == SURVEY for f in seen.of("message.sent")),
        "survey_answered": bands.total(),
        "promoters": bands["promoter"],
        "passives": bands["passive"],
        "detractors": bands["detractor"],
        "participants": involved.of,
        "involved": involved.count,
        "committed": committed.count,
        "asks_sent": len(opened),
        "asks_dropped": len(skipped),
        "moments_absorbed": sum(1 for _ in seen.of("moment.absorbed")),
        "sla_met": sum(met),
        "sla_missed": sum(o and not m for o, m in zip(overdue, met, strict=True)),
        "clicks": sum(1 for _ in _clicks(seen)),
        "referrals": len(_referrals(seen, "referral.accepted")),
        "won": len(_referrals(seen, "referral.won")),
        "hours_to_contact": _hours_to_contact(seen),
    }


def _answers(seen: Seen) -> Iterator[dict[str, Any]]:
    """Give the last word of each response that came in during the story."""
    for doc in seen.contacts.values():
        yield from (r for r in doc.get("responses", {}).values() if not r.get("seeded"))


def _standings(seen: Seen) -> Iterator[Standing]:
    """Give what each contact did for us, as far as the funnel counts it."""
    gave = {event["contact"] for event in seen.events if event["type"] in _GIVEN}
    introduced = {
        fact["contact"]
        for fact in seen.of("referral.accepted")
        if _still_counts(seen, fact["contact"], fact["data"]["referral"])
    }
    for contact, doc in seen.contacts.items():
        yield Standing(
            contact, merged_into=str(doc.get("merged_into", "")),
            participant=bool(doc.get("participant")), gave=contact in gave,
            introduced=contact in introduced,
        )  # fmt: skip


def _still_counts(seen: Seen, referrer: str, referral: str) -> bool:
    known = seen.doc(referrer).get("referrals", {}).get(referral, {})
    return bool(known.get("verdict", "accepted") == "accepted")


def _clicks(seen: Seen) -> Iterator[dict[str, Any]]:
    """Give the clicks on share links by people; mail scanners click as well."""
    refused = {fact["data"]["event"] for fact in seen.of("event.rejected")}
    for event in seen.events:
        is_click = event["type"] == "link.clicked" and not event["doc"]["data"].get("bot")
        if is_click and event["doc"]["id"] not in refused:
            yield event


def _referrals(seen: Seen, kind: str) -> set[str]:
    return {fact["data"]["referral"] for fact in seen.of(kind)}


def _hours_to_contact(seen: Seen) -> int | None:
    """Return the mean of the whole hours from a recommendation to the first word with the lead."""
    spoken: dict[str, datetime] = {}
    for event in seen.events:
        data = event["doc"]["data"]
        if event["type"] == "lead.stage_changed" and data["stage"] == "contacted":
            spoken[data["lead"]] = min(event["time"], spoken.get(data["lead"], event["time"]))
    waits: list[timedelta] = []
    for fact in seen.of("referral.contacted"):
        known = seen.doc(fact["contact"]).get("referrals", {})
        referral = known.get(fact["data"]["referral"], {})
        at = spoken.get(fact["data"]["lead"])
        if at and referral.get("submitted_at"):
            waits.append(at - instant(referral["submitted_at"]))
    if not waits:
        return None
    return int(sum(waits, timedelta()) / len(waits) / timedelta(hours=1))
