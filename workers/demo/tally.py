"""What the demo counts: every verdict of intake, and every fact that followed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.values import parse_instant
from workers.demo.lines import Line
from workers.verdicts import Verdict
from workflows.referral.funnel import Level, Standing, funnel
from workflows.referral.nps import Answers

Fact = Mapping[str, Any]

GIFTS = frozenset({"quote.given", "story.given", "review.posted"})
"""Events that say that a contact contributed something."""

PROMOTER, PASSIVE = 9, 7
SURVEY = "survey"


@dataclass(slots=True)
class Task:
    """A task as its facts tell of it."""

    title: str
    to: str
    due: datetime
    ended: datetime | None = None
    cancelled: bool = False


@dataclass(slots=True)
class Tally:
    """Counts, kept while the year goes by, so that nothing need be counted afterwards."""

    verdicts: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    runs_started: Counter[str] = field(default_factory=Counter)
    runs_ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    deferred: Counter[str] = field(default_factory=Counter)
    asks: Counter[str] = field(default_factory=Counter)
    moments: Counter[tuple[str, str]] = field(default_factory=Counter)
    referrals: Counter[str] = field(default_factory=Counter)
    tiers: Counter[tuple[str, bool]] = field(default_factory=Counter)
    syncs: Counter[str] = field(default_factory=Counter)
    tasks: dict[str, Task] = field(default_factory=dict)
    escalated: int = 0
    balances: defaultdict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    scores: dict[str, tuple[int, int]] = field(default_factory=dict)
    participants: set[str] = field(default_factory=set)
    gave: set[str] = field(default_factory=set)
    introduced: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    events: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, list[Fact]] = field(default_factory=lambda: defaultdict(list))

    # -- what came in -------------------------------------------------------------------------

    def took(self, line: Line, verdict: Verdict) -> None:
        """Count what intake made of one line."""
        self.ways[line.via] += 1
        self.verdicts[verdict.status] += 1
        if verdict.status == "rejected":
            self.refused[_reason(verdict.reason, verdict.field)] += 1
        elif verdict.status == "accepted":
            self._accepted(line.event)

    def _accepted(self, event: Mapping[str, Any]) -> None:
        kind, data = event["type"], event["data"]
        contact = str(event.get("subject", "")).removeprefix("contact/")
        self.events[contact].append(event)
        if kind == "optin.confirmed":
            self.participants.add(contact)
        elif kind in GIFTS:
            self.gave.add(contact)
        elif kind == "nps.answered":
            told = (int(data.get("revision", 0)), int(data["score"]))
            self.scores[data["response"]] = max(told, self.scores.get(data["response"], told))

    # -- what followed ------------------------------------------------------------------------

    def saw(self, facts: Iterable[Fact]) -> None:
        """Count facts, each of them once."""
        for fact in facts:
            self._one(fact, fact.get("data") or {})
            if fact.get("contact"):
                self.facts[fact["contact"]].append(fact)

    def _one(self, fact: Fact, data: Mapping[str, Any]) -> None:
        subject, _, verb = fact["fact"].partition(".")
        match subject:
            case "run" | "message":
                self._moved(fact, data)
            case "ask":
                self.asks[verb] += 1
            case "moment":
                self.moments[verb, data.get("reason", "")] += 1
            case "tier":
                self.tiers[data["to_tier"], bool(data["up"])] += 1
            case "sync" if verb == "sent":
                self.syncs[data["target"]] += 1
            case "task":
                self._task(verb, fact, data)
            case "ledger":
                self.balances[data["contact"], data.get("benefit", "")].update(data["moves"])
            case "referral":
                self._recommended(verb, fact, data)
            case "event" if verb == "rejected":
                self._refused_later(data)
            case _:
                pass

    def _recommended(self, verb: str, fact: Fact, data: Mapping[str, Any]) -> None:
        self.referrals[verb] += 1
        if verb == "accepted":
            self.introduced[fact["contact"]].add(data["referral"])
        elif verb == "voided":
            self.introduced[fact["contact"]].discard(data["referral"])

    def _moved(self, fact: Fact, data: Mapping[str, Any]) -> None:
        match fact["fact"]:
            case "run.started":
                self.runs_started[fact["workflow"]] += 1
            case "run.ended":
                self.runs_ended[fact["workflow"], data["as"]] += 1
            case "message.sent":
                self.sent[data["class"], data["template"]] += 1
            case "message.skipped" | "message.failed" as kind:
                reason = data.get("reason") or kind.partition(".")[2]
                self.not_sent[reason, data["template"]] += 1
            case "message.deferred":
                self.deferred[data["reason"]] += 1
            case _:
                pass

    def _task(self, verb: str, fact: Fact, data: Mapping[str, Any]) -> None:
        if verb == "opened":
            task = Task(data["title"], data.get("to", ""), parse_instant(data["due"]))
            self.tasks[data["task"]] = task
        elif verb == "reassigned":
            self.tasks[data["task"]].to = data.get("to", "")
        elif verb == "escalated":
            self.escalated += 1
        elif verb in {"closed", "cancelled"}:
            self.tasks[data["task"]].ended = fact["at"]
            self.tasks[data["task"]].cancelled = verb == "cancelled"

    def _refused_later(self, data: Mapping[str, Any]) -> None:
        """Count what passed intake and was refused by the engine, which knows the programme."""
        self.verdicts["accepted"] -= 1
        self.verdicts["rejected"] += 1
        self.refused[_reason(data["reason"], data.get("field", ""))] += 1
        if data["reason"] == "out_of_scale":
            self._forget_score(data["event"])

    def _forget_score(self, event_id: str) -> None:
        for events in self.events.values():
            for event in events:
                if event["id"] == event_id:
                    self.scores.pop(event["data"]["response"], None)
                    events.remove(event)
                    return

    # -- what it comes to ---------------------------------------------------------------------

    def answers(self) -> Answers:
        """Return how many answered in each band: each response once, as it was last revised."""
        scores = [score for _, score in self.scores.values()]
        promoters = sum(score >= PROMOTER for score in scores)
        detractors = sum(score < PASSIVE for score in scores)
        return Answers(promoters, len(scores) - promoters - detractors, detractors)

    def surveys_sent(self) -> int:
        """Return how many invitations to the survey left."""
        return sum(count for (class_, _), count in self.sent.items() if class_ == SURVEY)

    def funnel(self, customers: Iterable[str]) -> tuple[Level, ...]:
        """Return the levels of these contacts."""
        return funnel(
            Standing(
                contact,
                participant=contact in self.participants,
                gave=contact in self.gave,
                introduced=bool(self.introduced.get(contact)),
            )
            for contact in customers
        )

    def sla(self, now: datetime) -> Counter[str]:
        """Return how many tasks were done in time, late, or are open, in time or overdue."""
        found: Counter[str] = Counter()
        for task in self.tasks.values():
            if task.cancelled:
                found["cancelled"] += 1
            elif task.ended is not None:
                found["kept" if task.ended <= task.due else "late"] += 1
            else:
                found["open" if now <= task.due else "overdue"] += 1
        return found


def _reason(reason: str, field_: str) -> str:
    return f"{reason} ({field_})" if field_ else reason
