"""The figures of an installation: the store's rows, counted as the reports say."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from store import reports as stored
from store.db import Connection
from store.listings.referrals import answered
from workers import contests
from workers.app import App
from workflows.compiled import Programme
from workflows.referral import reports
from workflows.referral.funnel import Standing, loyal
from workflows.referral.funnel import funnel as levels_of
from workflows.referral.leads import HEARD, heard_of
from workflows.referral.people import GIVEN, Recommendations, Span, Survey, standing
from workflows.state import Doc

NPS_SPAN = timedelta(days=90)
"""The span of the score where none is given."""
SURVEY = "survey"
"""The class, or the topic of consent, whose messages are invitations to the survey."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its rows, and the span they are of.

    Attributes:
        columns: In the order in which people read them.
        notes: What a reader has to know.
    """

    report: str
    since: datetime | None
    until: datetime
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return asdict(self)


def funnel(conn: Connection, span: Span, until: datetime, zone: tzinfo = UTC) -> Report:
    """Return how many customers take part, contribute, and introduce somebody."""
    found: list[Standing] = []
    for page in stored.contact_pages(conn):
        asked = [name for name, doc, _ in page if doc.get("participant") or doc.get("merged_into")]
        gave = stored.when_said(conn, asked, GIVEN, span.since, span.until)
        for name, doc, account in page:
            days = {at.astimezone(zone).date() for at in gave.get(name, ())}
            one = standing(name, doc, account, gave=days, span=span)
            if one is not None:
                found.append(one)
    columns = ("level", "count", "of", "share", "benchmark", "verdict")
    part = sum(level.count for level in levels_of(found) if level.name == "participation")
    notes = [f"loyal: {loyal(found)} of {part} participants, who gave on two days or more"]
    return Report("funnel", span.since, until, columns, reports.funnel_rows(found), notes)


def nps(conn: Connection, programme: Programme, span: Span, until: datetime) -> Report:
    """Return the score with its margin, its trend and what it rests on."""
    span = Span(span.since or until - NPS_SPAN, until)
    before = span.before()
    now, past = Survey(span), Survey(before) if before else None
    classes = {name for name, one in programme.policies.classes.items()
               if SURVEY in (name, one.consent)}  # fmt: skip
    delivered = 0
    for page in stored.contact_pages(conn):
        names = [name for name, _, _ in page]
        delivered += stored.delivered(conn, names, classes, span.since, span.until)
        for _, doc, _ in page:
            now.take(doc)
            if past is not None:
                past.take(doc)
    columns = ("survey", "score", "margin", "trend", "before", "answers", "promoters", "passives",
               "detractors", "delivered", "response_rate")  # fmt: skip
    notes = ["a score is shown from 30 answers on, an arrow only where chance does not explain it"]
    rows = reports.nps_rows(now, past, delivered)
    return Report("nps", span.since, until, columns, rows, notes)


def sla(conn: Connection, span: Span, until: datetime) -> Report:
    """Return how tasks kept their due times."""
    rows = reports.sla_rows(stored.tasks(conn, span.since, span.until))
    columns = ("task", "role", "opened", "met", "missed", "open", "in_time", "median_hours",
               "within_24h", "benchmark")  # fmt: skip
    return Report("sla", span.since, until, columns, rows)


def referrals(conn: Connection, span: Span, until: datetime) -> Report:
    """Return what became of recommendations, and how those who came by them compare."""
    heard = heard_of(answered(conn, HEARD, span.since, span.until))
    rows = reports.referral_rows(_recommended(conn, span, until), heard)
    columns = ("measure", "count", "of", "shown", "benchmark")
    return Report("referrals", span.since, until, columns, rows)


def rewards(
    conn: Connection, programme: Programme, span: Span, until: datetime, unit_cents: int | None
) -> Report:
    """Return what rewards cost, and what was won by those who got them."""
    currency = programme.policies.rewards.currency
    rows = reports.reward_rows(
        stored.booked(conn, span.since, span.until),
        _recommended(conn, span, until),
        currency=str(programme.facts["currency"]),
        unit_cents=unit_cents,
        decimals=currency.decimals if currency else 0,
    )
    notes = [] if unit_cents is not None else ["--unit-cents says what one unit costs you"]
    columns = ("measure", "in", "out", "left", "shown")
    return Report("rewards", span.since, until, columns, rows, notes)


def _recommended(conn: Connection, span: Span, until: datetime) -> Recommendations:
    found = Recommendations(span, until)
    for page in stored.contact_pages(conn):
        for _, doc, account in page:
            found.take(doc, account)
    return found


def contest(app: App, name: str, until: datetime) -> Report:
    """Return where a contest stands; without a name, how all of them do.

    Raises:
        NotPossibleError: There is no such contest.
    """
    if not name:
        every: list[Doc] = contests.every(app)
        columns = ("contest", "from", "freeze", "contacts", "entries", "drawn")
        rows = [{key: row.get(key) for key in columns} for row in every]
        return Report("contest", None, until, columns, rows)
    found = contests.one(app, name)
    columns = ("place", "contact", "entries", "reached", "rank", "won")
    rows = [{key: row.get(key) for key in columns} for row in found["leaderboard"]]
    return Report("contest", None, until, columns, rows, [f"contest {name}"])
