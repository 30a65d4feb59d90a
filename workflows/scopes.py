"""Which names an expression or a template sees, place by place, with their types.

`event` is the one named beside the expression, `trigger` the one that started the run. What an
event's `data` holds is what its type says; of a list of types, what all of them have.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from events.catalogue import Catalogue
from events.facts import FACTS
from workflows.cel_scope import Fields, FieldType, ListOf, Scope
from workflows.definition import Step, Trigger, Workflow
from workflows.durations import SpanError, parse_span
from workflows.fields import (
    ACCOUNT,
    CONTACT,
    ENVELOPE,
    LINKS,
    MAYBE,
    PROGRAMME,
    REFERRAL,
    REFERRAL_TOLD,
    RUN,
    TASK,
    no_of,
    sure_of,
    told_account,
    told_contact,
    typed,
    zeros_of,
)
from workflows.policies import Policies
from workflows.walking import NO_CONTACT, has_contact, required_of, walk
from workflows.words_types import WordsScope

_SURE = {"journey": frozenset({"stage"}), "thanks": frozenset({"stage", "reward"})}
"""What is never absent, by what a message is."""


def look_back(text: str) -> None:
    """Check what `ago()` is given.

    Raises:
        SpanError: it is no span, or counts business days, which are only counted forwards.
    """
    if parse_span(text).is_business:
        message = f'"{text}" cannot be counted backwards'
        raise SpanError(message, hint="look back over calendar or elapsed time: 7d, 24h")


class Scopes:
    """The scopes of one programme.

    Attributes:
        contact: Fields of `contact`, the programme's own among them.
        account: Fields of `account`, likewise.
        unread: Event types of which nothing but the name is known: their data may hold anything.
        zeros: What paths are without a value, where that is not their type's zero.
    """

    def __init__(
        self, policies: Policies, catalogue: Catalogue, unread: Collection[str] = ()
    ) -> None:
        self.unread = frozenset(unread)
        self._policies = policies
        self._catalogue = catalogue
        self.ladder = policies.asks.ladder
        own = policies.fields
        self.contact: Fields = {**own.contact, **CONTACT}
        self.account: Fields = {**own.account, **ACCOUNT}
        levels = policies.tiers.levels if policies.tiers else {}
        self.zeros = zeros_of(levels)
        self._sure, self._no = sure_of(own.contact, levels), no_of(own.account)
        self._base: Fields = {"programme": PROGRAMME, "now": "instant"}
        self._people: Fields = {"contact": self.contact, "account": self.account, **self._base}
        absent = {f"{root}.{path}" for root, paths in MAYBE.items() for path in paths.split()}
        for root, fields, built_in in (
            ("contact", own.contact, CONTACT),
            ("account", own.account, ACCOUNT),
        ):
            absent |= {
                f"{root}.{name}"
                for name, kind in fields.items()
                if kind != "bool" and name not in built_in
            }
        self._absent = frozenset(absent | {"stage", "reward"})
        names = {*catalogue.types, *FACTS}
        self._data = {name: self._data_of(name) for name in sorted(names)}

    # -- words ---------------------------------------------------------------------------

    def told(self, contact: Mapping[str, Any], account: Mapping[str, Any]) -> dict[str, Any]:
        """Return `contact` and `account` as words see them: what needs no default is there."""
        return {
            "contact": told_contact(contact, self._sure),
            "account": told_account(account, contact, self._no),
        }

    # -- events --------------------------------------------------------------------------

    @property
    def types(self) -> frozenset[str]:
        """Every event type and fact there is."""
        return frozenset(self._data)

    @property
    def absent(self) -> frozenset[str]:
        """The paths of what may be without a value, of people and referrals."""
        return self._absent

    def data(self, kind: str) -> Fields:
        """Return the fields of an event's data; empty for a type that does not exist."""
        return self._data.get(kind, {})

    def _data_of(self, kind: str) -> Fields:
        """Return what both faces of a type have: some domain events are facts as well."""
        known = FACTS[kind].fields if kind in FACTS else {}
        fields = dict(known)
        if kind in self._catalogue.types:
            fields |= self._catalogue.fields(kind)
        if kind == "contact.updated":
            fields = {**self._policies.fields.contact, **fields}
        return typed(fields)

    def common(self, kinds: Sequence[str]) -> tuple[Fields, dict[str, str]]:
        """Return the fields that all types have, and for the others a type that lacks each."""
        every = [self.data(kind) for kind in kinds]
        shared: dict[str, FieldType] = {}
        lacking: dict[str, str] = {}
        for fields in every:
            for name, kind in fields.items():
                without = next((k for k, f in zip(kinds, every, strict=True) if name not in f), "")
                if without:
                    lacking[name] = without
                elif name not in shared or shared[name] == kind:
                    shared[name] = kind
                else:
                    shared[name] = "dyn"
        return shared, lacking

    def event(self, kinds: Sequence[str], more: "Fields | None" = None) -> Fields:
        """Return the fields of an event of one of these types."""
        data, _ = self.common(kinds)
        return {
            "type": "string",
            "time": "instant",
            "arrived": "instant",
            "source": "string",
            "data": self._known(kinds, {**(more or {}), **data}),
        }

    def _known(self, kinds: Iterable[str], data: Fields) -> FieldType:
        return data if self.unread.isdisjoint(kinds) else "dyn"

    # -- places --------------------------------------------------------------------------

    def asks(self) -> Scope:
        """`asks.if`: who may be asked."""
        return self._scope(self._people)

    def rewards(self) -> Scope:
        """`rewards.if`: who earns."""
        return self._scope(self._people)

    def role(self) -> Scope:
        """The condition of an entry in a role's chain."""
        return self._scope(self._people)

    def contest(self) -> Scope:
        """`contests.NAME.if`: who takes part."""
        return self._scope(self._people)

    def opens(self, kinds: Sequence[str]) -> Scope:
        """The condition of a kind that a moment opens: `event` is the moment."""
        return self._scope({**self._people, "event": self.event(kinds)}, {"event": kinds})

    def sync(self, *, lead: bool) -> Scope:
        """A value sent to another system about a contact, or about a lead."""
        return self._scope({**self._people, "referral": REFERRAL} if lead else self._people)

    def source(self) -> Scope:
        """A value of a source: the webhook, whatever its vendor sends."""
        return Scope({"body": "dyn", "headers": "dyn", "now": "instant"}, check_span=look_back)

    def starting(self, trigger: Trigger) -> Scope:
        """A trigger's condition: about an event, each contact, or nobody at all."""
        if trigger.event:
            return self.trigger(trigger.event)
        return self._scope(self._people if trigger.each else self._base)

    def trigger(self, kinds: Sequence[str]) -> Scope:
        """The condition of a trigger by events."""
        names = dict(self._base if any(kind in NO_CONTACT for kind in kinds) else self._people)
        names["event"] = self.event(kinds)
        if self.carries_referral(kinds):
            names["referral"] = REFERRAL
        return self._scope(names, {"event": kinds})

    def exit(self, workflow: Workflow, kinds: Sequence[str]) -> Scope:
        """An exit's condition: its event, the run, and what started it."""
        names = {**self._of_run(workflow), "event": self.event(kinds, required_of(workflow, kinds))}
        return self._scope(names, {"event": kinds, "trigger": workflow.trigger.event or ()})

    def step(self, workflow: Workflow, ids: Iterable[str] | None = None) -> Scope:
        """An expression of a step; `ids` are the steps before it, left out: all there are."""
        names = {**self._of_run(workflow), "steps": self.outcomes(workflow, ids)}
        return self._scope(names, {"trigger": workflow.trigger.event or ()})

    def beside(
        self, workflow: Workflow, kinds: Sequence[str], ids: Iterable[str] | None = None
    ) -> Scope:
        """A condition beside an event that a step waits for."""
        names = {
            **self._of_run(workflow),
            "steps": self.outcomes(workflow, ids),
            "event": self.event(kinds, required_of(workflow, kinds)),
        }
        return self._scope(names, {"event": kinds, "trigger": workflow.trigger.event or ()})

    def words(
        self, workflow: Workflow, ids: Iterable[str] | None = None, *, links: str = "staff"
    ) -> WordsScope:
        """What the words of a run see: its messages, scripts and titles; `links` as in `LINKS`."""
        if links == "thanks":
            return self._thanks()
        kinds = workflow.trigger.event or ()
        names = {**self._of_run(workflow), "steps": self.outcomes(workflow, ids)}
        if "contact" in names:
            names["contact"] = {**self.contact, "referrals": ListOf(REFERRAL_TOLD)}
        if "referral" in names:
            names["referral"] = REFERRAL_TOLD
        absent = set(self._absent - _SURE.get(links, frozenset()))
        absent |= {f"trigger.data.{name}" for name in self._optional(kinds)}
        absent |= {
            f"steps.{step}.{field}"
            for step in self.outcomes(workflow, ids)
            for field in ("reason", "event", "amount", "free_at")
        }
        return WordsScope({**names, **ENVELOPE, "links": LINKS[links]}, frozenset(absent))

    def _thanks(self) -> WordsScope:
        """What the words that thank for a journey's answer see: its run may be long over."""
        people = {**self._people, "contact": {**self.contact, "referrals": ListOf(REFERRAL_TOLD)}}
        names = {**people, **ENVELOPE, "links": LINKS["contact"]}
        return WordsScope(names, self._absent - _SURE["thanks"])

    def task_words(self) -> WordsScope:
        """What the words about a task see: that it is late, has moved, or found nobody."""
        names = {**self._people, **ENVELOPE, "links": LINKS["task"], "task": TASK}
        return WordsScope(names, self._absent)

    def rules(self) -> WordsScope:
        """What the page of the rules sees: it is the same for everybody."""
        return WordsScope({"programme": PROGRAMME})

    # -- parts ---------------------------------------------------------------------------

    def carries_referral(self, kinds: Sequence[str]) -> bool:
        """Return whether every event of these types concerns a referral."""
        return bool(kinds) and all(
            kind.startswith("referral.") or "referral" in self.data(kind) for kind in kinds
        )

    def _optional(self, kinds: Sequence[str]) -> set[str]:
        """Return the fields that an event of these types need not carry; facts carry theirs."""
        optional: set[str] = set()
        for kind in kinds:
            if kind in self._catalogue.types:
                added = self._catalogue.model(kind).ADDED
                optional |= set(self.data(kind)) - self._catalogue.required(kind) - set(added)
        return optional

    def _of_run(self, workflow: Workflow) -> dict[str, FieldType]:
        kinds = workflow.trigger.event or ()
        names = dict(self._people if has_contact(workflow) else self._base)
        names |= {"run": RUN, "trigger": self.event(kinds)}  # of a schedule: its time, no data
        if self.carries_referral(kinds):
            names["referral"] = REFERRAL
        return names

    def outcomes(self, workflow: Workflow, ids: Iterable[str] | None = None) -> Fields:
        """Return `steps`: by id what became of each step."""
        wanted = None if ids is None else set(ids)
        return {
            step.id: self._outcome(workflow, step)
            for step in walk(workflow.steps)
            if step.id and (wanted is None or step.id in wanted)
        }

    def _outcome(self, workflow: Workflow, step: Step) -> Fields:
        fields: dict[str, FieldType] = {"outcome": "string", "at": "instant", "reason": "string"}
        kinds = self.ended_by(step)
        if kinds:
            data: dict[str, FieldType] = {}
            for kind in reversed(kinds):
                data |= self.data(kind)
            if step.task is not None:
                data = {**dict.fromkeys(step.task.requires, "string"), **data}
            if step.wait_for is not None:
                data = dict(self.common(kinds)[0])
            fields["event"] = {
                "type": "string",
                "time": "instant",
                "data": self._known(kinds, data),
            }
        if step.credit is not None:
            fields |= {"amount": "int", "free_at": "instant"}
        return fields

    def ended_by(self, step: Step) -> tuple[str, ...]:
        """Return the types of events that may end a step."""
        if step.wait_for is not None:
            return step.wait_for.event
        if step.task is not None:
            done_by = step.task.done_by
            return ("task.closed", *(done_by.event if done_by else ()))
        if step.ask is not None:
            ladder = self._policies.asks.ladder
            done = [r.done_by.event for r in ladder if r.kind == step.ask.kind and r.done_by]
            return ("ask.answered", *chain.from_iterable(done))
        return ()

    def _scope(self, names: Fields, events: Mapping[str, Sequence[str]] | None = None) -> Scope:
        labels: dict[str, str] = {}
        lacking: dict[str, str] = {}
        for root, kinds in (events or {}).items():
            if kinds:
                labels[root] = " and ".join(kinds)
                without = self.common(kinds)[1]
                lacking |= {f"{root}.data.{name}": kind for name, kind in without.items()}
        return Scope(
            names, labels=labels, lacking=lacking, seen=self._data, check_span=look_back,
            zeros=self.zeros,
        )  # fmt: skip
