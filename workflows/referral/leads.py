"""What recommendations brought: by verdict, by stage, by the way they came; and what was asked."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from workflows.state import instant

CONTACT_WITHIN_HOURS = 24
"""The benchmark: a lead is contacted within so many hours."""
MANY_WAYS = 20
"""Different ways and answers shown; the rest is counted together."""


@dataclass(slots=True)
class Recommendations:
    """Everything that was recommended, counted.

    Attributes:
        verdicts: How many of each verdict.
        stages: How many accepted ones stand at each stage.
        ways: By the way they came (`link/whatsapp`, `form`, `crm`): how many were accepted.
        clicks: Clicks on share links by people.
        hours: From each recommendation to the first word with its lead.
        value_eur: What won leads are worth.
        heard: Where customers heard of us, by what they said.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    clicks: int = 0
    hours: list[float] = field(default_factory=list)
    value_eur: int = 0
    heard: Counter[str] = field(default_factory=Counter)

    @property
    def median_hours(self) -> float | None:
        """The median hours to the first word; None where nobody was contacted yet."""
        return round(median(self.hours), 1) if self.hours else None

    @property
    def in_time(self) -> int:
        """How many leads were contacted within the benchmark."""
        return sum(hours <= CONTACT_WITHIN_HOURS for hours in self.hours)


def count(contacts: Iterable[Mapping[str, Any]], heard: Iterable[str] = ()) -> Recommendations:
    """Return what the contacts recommended; one merged into another counts there."""
    found = Recommendations(heard=Counter(_said(text) for text in heard if text.strip()))
    for contact in contacts:
        if contact.get("merged_into"):
            continue
        found.clicks += sum(contact.get("clicks", {}).values())
        for referral in contact.get("referrals", {}).values():
            _add(found, referral)
    return found


def _add(found: Recommendations, referral: Mapping[str, Any]) -> None:
    found.verdicts[referral["verdict"]] += 1
    if referral["verdict"] != "accepted":
        return
    found.stages[referral["stage"]] += 1
    found.ways[referral.get("via") or "elsewhere"] += 1
    if referral.get("contacted_at"):
        taken = instant(referral["contacted_at"]) - instant(referral["submitted_at"])
        found.hours.append(max(0.0, taken.total_seconds() / 3600))
    if referral["stage"] == "won":
        found.value_eur += referral.get("value_eur") or 0


def _said(text: str) -> str:
    """Return an answer as answers compare: without case, spaces or a full stop around it."""
    return " ".join(text.casefold().split()).strip(" .!")[:100]
