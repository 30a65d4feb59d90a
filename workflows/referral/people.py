"""What reports count of each contact, one after another: nobody is held in memory.

A document tells what the contact is now, and when what it holds happened; so a span of time is
counted from what happened in it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from workflows.referral.funnel import Standing
from workflows.referral.nps import Answers
from workflows.state import Doc, instant

GIVEN = frozenset(
    {"quote.given", "story.given", "review.posted", "referral.submitted", "journey.answered"}
)
"""An idea, a quote or a recommendation: whoever gave one is involved (SCENARIOS section B)."""
_UNDONE = frozenset({"deal.refunded", "contract.cancelled"})
_TAKEN_BACK = frozenset({"reversed", "kept"})
"""States of a reward whose deal did not last, whoever bears it."""
_KNOWN_BY = frozenset({"email", "phone", "given_name", "first_name", "last_name", "nps",
                       "participant", "referrals", "lead_known", "customer_since"})  # fmt: skip
"""What is known of a contact of whom somebody said who it is."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open span of time; None is without that end.

    >>> Span(None, None).holds(datetime(2027, 1, 1))
    True
    """

    since: datetime | None
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Tell whether an instant is in it."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def said(self, text: object) -> bool:
        """Tell whether an instant, as a document has it, is in it; none is not."""
        return bool(text) and self.holds(instant(str(text)))

    def before(self) -> "Span | None":
        """Return the span of the same length just before; None where this one has an open end."""
        if self.since is None or self.until is None:
            return None
        return Span(self.since - (self.until - self.since), self.since)


def standing(
    contact: str, doc: Doc, account: Doc, *, gave: Iterable[date], span: Span
) -> Standing | None:
    """Return what a contact did in a span, as the funnel counts it; None where it counts not.

    `gave` are the days on which it gave something. Who was erased before the span began is not
    in it; whoever was erased later stays in it.
    """
    erased, days = doc.get("erased_at"), frozenset(gave)
    if erased and span.since is not None and instant(erased) < span.since:
        return None
    since = doc.get("participant_since")
    took_part = bool(doc.get("participant")) and not (
        since and span.until is not None and instant(since) >= span.until
    )
    introduced = any(
        known["verdict"] == "accepted" and span.said(known.get("submitted_at"))
        for known in doc.get("referrals", {}).values()
    )
    return Standing(
        contact,
        merged_into=str(doc.get("merged_into", "")),
        customer=is_customer(doc, account, span),
        participant=took_part,
        gave=bool(days),
        days=days,
        introduced=introduced,
    )


def is_customer(doc: Doc, account: Doc, span: Span) -> bool:
    """Tell whether somebody is a customer rather than a lead who bought nothing yet.

    Of whom only news of a deal or lead was heard, which is parked, is neither; who became one
    when the span was over is none in it.
    """
    if "parked" in doc and doc.keys().isdisjoint(_KNOWN_BY) and not account.get("customer_since"):
        return False
    before = Span(None, span.until)
    since = doc.get("customer_since") or account.get("customer_since")
    if any(before.said(deal["at"]) for deal in won_deals(doc).values()):
        return True
    return before.said(_instant_text(str(since))) if since else not doc.get("lead_known")


def answers_in(doc: Doc, span: Span) -> Iterator[Doc]:
    """Give the responses of a span, each with its newest score; none of who lives on elsewhere."""
    if doc.get("merged_into"):
        return
    for response in doc.get("responses", {}).values():
        if span.said(response.get("at")):
            yield response


@dataclass(slots=True)
class Bands:
    """How many answered in each band."""

    count: dict[str, int] = field(default_factory=dict)

    def add(self, band: str) -> None:
        """Count one."""
        self.count[band] = self.count.get(band, 0) + 1

    def answers(self) -> Answers:
        """Return the counts as the statistics take them."""
        return Answers(*(self.count.get(b, 0) for b in ("promoter", "passive", "detractor")))


@dataclass(slots=True)
class Survey:
    """The answers of a span: of the relationship, each contact once, and of each survey."""

    span: Span
    relationship: Bands = field(default_factory=Bands)
    surveys: dict[str, Bands] = field(default_factory=dict)

    def take(self, doc: Doc) -> None:
        """Count one contact: its latest answer, and each answer for its own survey."""
        found = list(answers_in(doc, self.span))
        if not found:
            return
        latest = max(found, key=lambda each: instant(each["at"]))
        self.relationship.add(latest["band"])
        for each in found:
            self.surveys.setdefault(each.get("survey") or "", Bands()).add(each["band"])


# -- leads and what became of them -----------------------------------------------------------------


def won_deals(doc: Doc) -> dict[str, Doc]:
    """Return the deals that a lead won and did not lose after all, with value and end.

    A win that only a stage told of has the name '' until a deal is named; what it brought, and
    what a deal without a value did, is not known: None.
    """
    found: dict[str, Doc] = {}
    for news in doc.get("referred", {}).get("news", ()):
        deal, kind, stage = str(news.get("deal", "")), news["kind"], news.get("stage", "")
        if kind == "deal.won":
            found.pop("", None)
            found[deal] = {"at": news["time"], "value_eur": news.get("value_eur")}
        elif stage == "won":
            found = found or {"": {"at": news["time"], "value_eur": None}}
        elif stage == "lost":
            found.clear()
        elif kind == "deal.lost":
            found.pop(_named(found, deal), None)
        elif kind in _UNDONE and _named(found, deal) in found:
            found[_named(found, deal)]["undone"] = True
    return found


def _named(found: Doc, deal: str) -> str:
    return "" if "" in found and deal not in found else deal


@dataclass(slots=True)
class Group:
    """Leads, or customers, of one origin."""

    leads: int = 0
    won: int = 0
    value_eur: int = 0
    deals: int = 0
    customers: int = 0
    stayed: int = 0


@dataclass(slots=True)
class Recommendations:
    """What became of the recommendations of a span, and how those who came by them compare.

    Attributes:
        passed: How many of those that are lost had come how far before that.
    """

    span: Span
    now: datetime
    verdicts: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    hours: list[float] = field(default_factory=list)
    referred: Group = field(default_factory=Group)
    others: Group = field(default_factory=Group)
    ways: Counter[str] = field(default_factory=Counter)
    clicks: int = 0
    rewarded_value_eur: int = 0

    def take(self, doc: Doc, account: Doc) -> None:
        """Count one contact: as a referrer, as a lead, as a customer."""
        if doc.get("merged_into"):
            return
        self.clicks += sum(doc.get("clicks", {}).values())
        for known in doc.get("referrals", {}).values():
            if self.span.said(known.get("submitted_at")):
                self._submitted(known)
            if self.span.said(known.get("stage_at") or known.get("submitted_at")):
                self._brought(doc, known)
        self._came(doc, account)

    def _submitted(self, known: Doc) -> None:
        verdict = known["verdict"]
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        if verdict == "accepted" or known["stage"] == "expired":
            stage = known["stage"]
            self.stages[stage] = self.stages.get(stage, 0) + 1
            self.ways[known.get("via") or "elsewhere"] += 1

    def _brought(self, doc: Doc, known: Doc) -> None:
        """Count a rewarded win in the span, unless its deal was refunded or cancelled since."""
        reward = doc.get("accruals", {}).get(f"deal/{known.get('deal')}/referrer", {})
        is_undone = known.get("undone") or reward.get("state") in _TAKEN_BACK
        if known["stage"] == "won" and known.get("rewarded") and not is_undone:
            self.rewarded_value_eur += int(known.get("value_eur") or 0)

    def _came(self, doc: Doc, account: Doc) -> None:
        """Count a lead of the span, and whoever became a customer in it."""
        referred = doc.get("referred", {})
        current = referred.get("line", {}).get(referred.get("current", ""), {})
        accepted = [each for each in referred.get("line", {}).values()
                    if each.get("verdict") == "accepted"]  # fmt: skip
        for each in accepted:
            if each["stage"] == "lost" and self.span.said(each.get("submitted_at")):
                self._lost(each, referred.get("news", ()))
        group = self.referred if accepted else self.others
        deals = won_deals(doc)
        won = {name: deal for name, deal in deals.items() if self.span.said(deal["at"])}
        if current.get("verdict") == "accepted" and self.span.said(current.get("submitted_at")):
            self._contacted(current, referred.get("news", ()))
        if doc.get("lead_known"):
            is_in = self._lead_in(doc, accepted)
            group.leads += is_in
            group.won += is_in and bool(deals)
            known = [int(d["value_eur"]) for d in won.values() if d["value_eur"] is not None]
            group.deals += len(known)
            group.value_eur += sum(known)
        since = doc.get("customer_since") or account.get("customer_since")
        if won or (since and self.span.said(_instant_text(since))):
            group.customers += 1
            group.stayed += self._stayed(doc, account, won)

    def _lost(self, known: Doc, news: Sequence[Doc]) -> None:
        """Count how far a recommendation had come that is lost."""
        late = [each for each in news if instant(each["time"]) <= instant(known["stage_at"])]
        heard = {each.get("stage", "") for each in late} | {each["kind"] for each in late}
        qualified = bool(heard & {"qualified", "won", "deal.won"})
        self.passed["qualified"] += qualified
        self.passed["contacted"] += qualified or bool(known.get("contacted_at"))

    def _lead_in(self, doc: Doc, accepted: Sequence[Doc]) -> bool:
        """Tell whether a lead belongs to the span: since it was recommended, or first heard of."""
        heard = [news["time"] for news in doc.get("referred", {}).get("news", ())]
        opened = [d["opened"] for d in doc.get("deals", {}).values() if d.get("opened")]
        told = [each["submitted_at"] for each in accepted if each.get("submitted_at")]
        first = min(told or (*heard, *opened), key=instant, default="")
        if first:
            return self.span.said(first)
        # Of whom we heard by a recommendation alone, and did not take it up, is no lead.
        return self.span.since is None and not doc.get("referred", {}).get("line")

    def _contacted(self, current: Doc, news: Any) -> None:  # noqa: ANN401 - a list of a document
        spoken = [each["time"] for each in news if each.get("stage") == "contacted"]
        if current.get("contacted_at"):
            spoken = [current["contacted_at"]]
        if spoken:
            waited = instant(min(spoken, key=instant)) - instant(current["submitted_at"])
            self.hours.append(max(waited.total_seconds(), 0) / 3600)

    def _stayed(self, doc: Doc, account: Doc, won: dict[str, Doc]) -> bool:
        until = str(doc.get("customer_until") or account.get("customer_until") or "")
        since = doc.get("customer_since") or account.get("customer_since") or ""
        ended = bool(until) and instant(_instant_text(until)) <= self.now
        if ended and since and instant(_instant_text(str(since))) > instant(_instant_text(until)):
            ended = False  # came back since
        return not ended and (not won or any(not deal.get("undone") for deal in won.values()))


def _instant_text(written: str) -> str:
    """Return a day as its first moment, an instant as it is.

    >>> _instant_text("2027-02-11"), _instant_text("2027-02-11T10:00:00Z")
    ('2027-02-11T00:00:00Z', '2027-02-11T10:00:00Z')
    """
    return written if "T" in written or " " in written else f"{written}T00:00:00Z"
