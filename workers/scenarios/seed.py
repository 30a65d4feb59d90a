"""What is known before the clock starts, as the engine keeps it: contacts, accounts, history."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from store.contacts import seed as store_actors
from store.db import Store
from store.decided import Decided
from store.drain import write_batch
from workers.scenarios.form import AccountRow, ContactRow
from workers.scenarios.local import is_day, is_instant, to_utc
from workers.scenarios.reading import Story
from workflows.calendars import Calendar
from workflows.compiled import Programme
from workflows.domain.contacts import named
from workflows.domain.ledger import PROGRAMME
from workflows.domain.nps import band_of
from workflows.domain.referrals_codes import planted
from workflows.domain.referrals_firms import linked
from workflows.domain.tiers import lower_timer, next_lower
from workflows.durations import add_span, parse_span, subtract_span
from workflows.state import SLICES, Changes, Consent, Doc, Entry, Message, iso
from workflows.syncs import KEPT, fields_of, names_of
from workflows.wallclock import zone_or

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""When consent was given that a scenario takes for granted: any word since is newer."""
SOURCE = "scenario"
OPENING = "opening"
"""The reason of what a contact has in the book before the story begins."""

_PLAIN = (
    "first_name", "last_name", "email", "phone", "company", "zone", "account", "owner", "tier",
    "refused",
)  # fmt: skip


@dataclass(slots=True)
class Seed:
    """What is stored before the first event."""

    actors: dict[str, Doc] = field(default_factory=dict)
    consents: list[Consent] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)


def plant(store: Store, story: Story, programme: Programme) -> None:
    """Store what a scenario says of contacts and accounts."""
    seed = Seed()
    start = to_utc(story.scenario.at, story.zone)
    for account in story.scenario.accounts:
        seed.actors[f"account/{account.id}"] = _account(account, story.zone)
    for row in story.scenario.contacts:
        _Contact(row, programme, start, seed).plant()
    if programme.firm_checks:
        seed.actors |= linked(seed.actors, programme.mail)
    seed.actors |= planted(seed.actors)
    decided = Decided(range(SLICES), start)
    decided.add(seed.changes, handled=())
    with store.transaction() as conn:
        store_actors(conn, seed.actors, seed.consents)
        write_batch(conn, decided)


def _account(row: AccountRow, zone: ZoneInfo) -> Doc:
    doc: Doc = {"id": row.id, "name": row.name or row.id, **_values(row.own, zone)}
    for name in ("owner", "manager"):
        if getattr(row, name):
            doc[name] = getattr(row, name)
    if row.segments:
        doc["segments"] = list(row.segments)
    for name in ("customer_since", "customer_until"):
        written = getattr(row, name)
        if written:
            doc[name] = written if is_day(written) else iso(to_utc(written, zone))
    return doc


def _values(own: Mapping[str, Any], zone: ZoneInfo) -> Doc:
    """Return the programme's own fields, with instants as documents hold them."""
    return {
        name: iso(to_utc(value, zone)) if is_instant(value) else value
        for name, value in own.items()
    }


class _Contact:
    """One contact on its way into the store."""

    def __init__(self, row: ContactRow, programme: Programme, start: datetime, seed: Seed) -> None:
        self.row = row
        self.programme = programme
        self.policies = programme.policies
        self.start = start
        self.seed = seed
        self.actor = f"contact/{row.id}"
        self.zone = zone_or(row.zone, programme.zone)[0]
        self.doc: Doc = {"id": row.id}

    @property
    def office(self) -> Calendar:
        return self.programme.office

    def utc(self, written: str) -> datetime:
        return to_utc(written, self.programme.zone)

    def plant(self) -> None:
        row, doc = self.row, self.doc
        doc |= {name: getattr(row, name) for name in _PLAIN if getattr(row, name)}
        doc |= _values(row.own, self.programme.zone)
        doc["locale"] = row.locale or self.policies.locales[0]
        if row.name:
            doc["given_name"] = row.name
        for name in ("segments", "codes", "also"):
            if getattr(row, name):
                doc[name] = list(getattr(row, name))
        if row.released:
            doc["released"] = [iso(self.utc(at)) for at in row.released]
        named(doc)
        self._takes_part()
        self._nps()
        self._held()
        self._consents()
        self._sent()
        self._balance()
        self._tier()
        self._known_elsewhere()
        self.seed.actors[self.actor] = doc

    def _takes_part(self) -> None:
        since = self.row.participant_since
        if since or self.row.participant:
            self.doc["participant"] = True
            self.doc["participant_since"] = iso(self.utc(since) if since else self.start)

    def _nps(self) -> None:
        said = self.row.nps
        if said is None:
            return
        policy = self.policies.nps
        band = said.band or band_of(said.score, policy.promoter, policy.passive)
        at = iso(self.utc(said.at) if said.at else self.start)
        self.doc["nps"] = {
            "score": said.score, "band": band, "at": at, "response": said.response,
            "improve": said.improve, "comment": said.comment,
        }  # fmt: skip
        if said.response:
            known = {"order": [0, at], "band": band, "score": said.score, "at": at, "survey": ""}
            self.doc["responses"] = {said.response: {**known, "seeded": True}}

    # -- asks --------------------------------------------------------------------------------

    def _held(self) -> None:
        """Set what cases and earlier asks hold: the cool-down of each outcome, the last no."""
        row, doc = self.row, self.doc
        if row.open_case:
            doc["open_case"] = True
        if row.no_asks:
            doc["no_asks"] = True
        if row.held_until:
            doc["held_until"] = iso(self.utc(row.held_until))
        until = [self.utc(row.cooling_until)] if row.cooling_until else []
        for ended, outcome, kind in sorted(self._asked()):
            self._word(outcome, kind, ended)
            cooldown = self.policies.asks.cooldown
            span = getattr(cooldown, "declined" if outcome == "never" else outcome, "")
            if span:
                until.append(add_span(ended, parse_span(span), zone=self.zone, office=self.office))
        if until:
            doc["cooling_until"] = iso(max(until))

    def _word(self, outcome: str, kind: str, ended: datetime) -> None:
        """Keep what the contact said to an ask: the lowest rung refused since the last yes."""
        doc, rung = self.doc, self.programme.rung
        if outcome == "never":
            doc["no_asks"] = True
        if outcome in ("declined", "never"):
            known = doc.get("refused", "")
            if not known or rung(kind) <= rung(known):
                doc["refused"] = kind
            doc["refused_at"] = iso(ended)
        elif outcome == "answered":
            doc.pop("refused", None)

    def _asked(self) -> Iterable[tuple[datetime, str, str]]:
        for asked in self.row.asked:
            yield self.utc(asked.ended or asked.at), asked.outcome, asked.kind

    # -- consent -----------------------------------------------------------------------------

    def _consents(self) -> None:
        """Grant and withhold: left out, a channel has its default, which is yes by e-mail only."""
        given = self.row.consent or {}
        topics = {policy.consent for policy in self.policies.classes.values()} - {""}
        refused = set(self.row.unsubscribed)
        if "email" in given:
            refused |= topics - set(given["email"])
        said = {(channel, topic): True for channel, list_ in given.items() for topic in list_}
        said |= {("email", topic): False for topic in refused}
        since = self.row.participant_since
        granted_at = self.utc(since) if since else LONG_AGO
        self.seed.consents += [
            Consent(self.actor, channel, topic, granted=granted, source=SOURCE,
                    at=granted_at if granted else self.start)
            for (channel, topic), granted in sorted(said.items())
        ]  # fmt: skip
        if refused:
            self.doc["unsubscribed"] = sorted(refused)

    # -- what left, what was earned ----------------------------------------------------------

    def _sent(self) -> None:
        for number, sent in enumerate(self.row.sent, 1):
            key = f"scenario/{self.row.id}/sent/{number}"
            self.seed.changes.messages[key] = Message(
                key=key, actor=self.actor, to=self.actor, account=self.row.account, run="",
                workflow="", step="", template=sent.template, class_=sent.class_, by=(),
                planned_at=self.utc(sent.at), status="reported",
            )  # fmt: skip

    def _tier(self) -> None:
        """Have a level that somebody has already looked at when levels are lowered."""
        tiers = self.policies.tiers
        if self.row.tier and tiers:
            due = next_lower(tiers, self.row.tier, self.start, self.programme.zone)
            if due is not None:
                timer = lower_timer(self.actor, due)
                self.seed.changes.timers_set[timer.key] = timer

    def _known_elsewhere(self) -> None:
        """Have other systems know what a contact is when the story begins: only news is sent."""
        account = self.seed.actors.get(f"account/{self.row.account}", {})
        for sync in self.programme.syncs:
            names = names_of(sync, self.doc, account, self.programme.facts)
            if names is not None:
                fields = fields_of(sync, names, now=self.start, ago=self._ago)
                self.doc.setdefault(KEPT, {})[sync.key] = {"told": fields}

    def _ago(self, span: str) -> datetime:
        return subtract_span(self.start, parse_span(span), zone=self.zone, office=self.office)

    def _balance(self) -> None:
        """Enter what a contact has already, so that the book says the same as the contact."""
        held = {bucket: amount for bucket, amount in self.row.balance.items() if amount}
        if not held:
            return
        self.doc["balance"] = dict(held)
        txn = f"scenario/{self.row.id}/{OPENING}"
        lines: list[tuple[str, str, int]] = [(self.actor, b, n) for b, n in held.items()]
        lines.append((PROGRAMME, "issued", -sum(held.values())))
        self.seed.changes.entries += [
            Entry(key=f"{txn}/{account}/{bucket}", txn=txn, account=account, bucket=bucket,
                  delta=delta, reason=OPENING, at=self.start, cause=SOURCE)
            for account, bucket, delta in lines
        ]  # fmt: skip
