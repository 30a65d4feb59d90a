"""Every event type that is known: its model, its JSON Schema, the fields that conditions see."""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from inspect import getdoc
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError, create_model

from events import agreements, asks, contacts, moments, nps, referrals, rewards, tasks
from events.facts import FACTS
from events.json_schema import SchemaError, fields_of, model_of, schema_of
from events.refusals import OutOfScaleError, ReservedEventTypeError, UnknownEventTypeError
from events.validation import is_whole_float, refusal
from events.values import EventData, Fields, zero_of

TYPE_CHARS_MAX = 100
OWN_TYPES_MAX = 200
MODELS_MAX = 64
"""Models of programmes' own contact fields that are kept: as many programmes at once."""

_TYPE_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)

BUILT_IN: Final[Mapping[str, type[EventData]]] = MappingProxyType(
    {
        "project.delivered": moments.ProjectDelivered,
        "problem.solved": moments.ProblemSolved,
        "product.upgraded": moments.ProductUpgraded,
        "favour.granted": moments.FavourGranted,
        "compliment.given": moments.ComplimentGiven,
        "nps.answered": nps.NpsAnswered,
        "optin.requested": asks.OptinRequested,
        "optin.confirmed": asks.OptinConfirmed,
        "ask.answered": asks.AskAnswered,
        "quote.given": asks.QuoteGiven,
        "story.given": asks.StoryGiven,
        "review.posted": asks.ReviewPosted,
        "social.followed": asks.SocialFollowed,
        "referral.submitted": referrals.ReferralSubmitted,
        "lead.created": referrals.LeadCreated,
        "lead.stage_changed": referrals.LeadStageChanged,
        "deal.opened": referrals.DealOpened,
        "deal.won": referrals.DealWon,
        "deal.lost": referrals.DealLost,
        "deal.refunded": referrals.DealRefunded,
        "contract.cancelled": referrals.ContractCancelled,
        "agreement.signed": agreements.AgreementSigned,
        "agreement.reported": agreements.AgreementReported,
        "agreement.ended": agreements.AgreementEnded,
        "journey.answered": asks.JourneyAnswered,
        "reward.chosen": rewards.RewardChosen,
        "reward.approved": rewards.RewardApproved,
        "review.approved": referrals.ReviewApproved,
        "review.rejected": referrals.ReviewRejected,
        "task.accepted": tasks.TaskAccepted,
        "task.closed": tasks.TaskClosed,
        "task.cancelled": tasks.TaskCancelled,
        "task.reassigned": tasks.TaskReassigned,
        "contact.updated": contacts.ContactUpdated,
        "contact.merged": contacts.ContactMerged,
        "contact.erase_requested": contacts.ContactEraseRequested,
        "contact.unsubscribed": contacts.ContactUnsubscribed,
        "owner.changed": contacts.OwnerChanged,
        "customer.started": contacts.CustomerStarted,
        "customer.ended": contacts.CustomerEnded,
        "message.reported": nps.MessageReported,
        "link.clicked": asks.LinkClicked,
        "improvement.announced": asks.ImprovementAnnounced,
    }
)
"""The domain events of every programme."""

RESERVED: Final = frozenset(FACTS) - frozenset(BUILT_IN)
"""Facts that nobody but Vouch tells."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of the catalogue, with what is derived from its model worked out once."""

    name: str
    model: type[EventData]
    schema: Mapping[str, Any]
    fields: Fields
    required: frozenset[str]
    nested: tuple[str, ...]

    @property
    def about(self) -> str:
        """The line that says what happened."""
        return str(self.schema.get("description", "")).partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The event types of one programme. Immutable: adding types gives another catalogue.

    Attributes:
        types: By name.
        scale: The lowest and the highest score of an NPS answer; None where it is not known.
    """

    types: Mapping[str, EventType]
    scale: tuple[int, int] | None = None

    @property
    def known(self) -> frozenset[str]:
        """The names of all types that intake accepts."""
        return frozenset(self.types)

    def entry(self, event_type: str) -> EventType:
        """Return everything about one type.

        Raises:
            ReservedEventTypeError: it is a fact that Vouch tells itself.
            UnknownEventTypeError: no model claims it.
        """
        found = self.types.get(event_type)
        if found is None:
            if event_type in RESERVED:
                raise ReservedEventTypeError(event_type)
            raise UnknownEventTypeError(event_type, self.types.keys())
        return found

    def model(self, event_type: str) -> type[EventData]:
        """Return the model of the type's data; of an own type, the one made from its schema."""
        return self.entry(event_type).model

    def schema(self, event_type: str) -> dict[str, Any]:
        """Return the JSON Schema of the type's data."""
        return deepcopy(dict(self.entry(event_type).schema))

    def schemas(self) -> dict[str, dict[str, Any]]:
        """Return the JSON Schema of every type, by name."""
        return {name: self.schema(name) for name in sorted(self.types)}

    def fields(self, event_type: str) -> Fields:
        """Return name to simple type, or to the fields inside; what the engine adds included."""
        return self.entry(event_type).fields

    def required(self, event_type: str) -> frozenset[str]:
        """Return the names that are always there."""
        return self.entry(event_type).required

    def is_open(self, event_type: str) -> bool:
        """Tell whether conditions may name fields that the model does not list.

        True of what a task requires and of a contact's own fields, which are the programme's.
        """
        return self.entry(event_type).model.OPEN

    def lead_of(self, event_type: str, data: Mapping[str, Any]) -> str:
        """Return the lead that checked data is about; empty if the type concerns none."""
        return self.entry(event_type).model.lead_of(data)

    def check(self, event_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return `data` as conditions may see it: valid, and without nulls in known fields.

        Unknown fields stay untouched. A whole number written as `9.0` becomes `9`, as JSON
        Schema has it. Assumes what `events.scan` makes sure of.

        Raises:
            EventError: a field is missing or invalid, or the type is none of ours.
        """
        entry = self.entry(event_type)
        model = entry.model
        checked = dict(data)
        for name in model.ADDED:
            checked.pop(name, None)
        try:
            model.model_validate(checked)
        except ValidationError as error:
            checked = _repaired(entry, checked, error)
        if self.scale is not None and event_type == "nps.answered":
            _check_scale(checked["score"], self.scale)
        if None in checked.values() or entry.nested:
            return _without_nulls(checked, entry.fields, clears=model.NULL_CLEARS)
        return checked

    def with_types(self, own: Mapping[str, Mapping[str, Any]]) -> "Catalogue":
        """Return a catalogue that also knows a programme's own types, given by JSON Schema.

        Raises:
            SchemaError: a name that is taken or odd, or a schema outside the subset. Its
                `field` begins with the type's name.
        """
        if len(own) > OWN_TYPES_MAX:
            raise SchemaError(f"at most {OWN_TYPES_MAX} types of one's own")
        added = {}
        for name, schema in own.items():
            self._check_name(name)
            try:
                model = model_of(schema, name=name)
            except SchemaError as error:
                raise error.under(name) from error
            added[name] = _entry(name, model, {"title": name, "type": "object", **schema})
        return replace(self, types=MappingProxyType({**self.types, **added}))

    def with_contact_fields(self, fields: Mapping[str, str]) -> "Catalogue":
        """Return a catalogue whose `contact.updated` knows the programme's own contact fields.

        Args:
            fields: Name to `string int bool instant list`, as in `programme.yaml`.
        """
        entry = _contact_updated(tuple(fields.items()))
        return replace(self, types=MappingProxyType({**self.types, entry.name: entry}))

    def with_scale(self, scale: tuple[int, int]) -> "Catalogue":
        """Return a catalogue that refuses scores outside of a programme's scale."""
        return replace(self, scale=scale)

    def _check_name(self, name: str) -> None:
        if name in self.types or name in RESERVED:
            raise SchemaError("this type exists already", field=name, hint="choose another name")
        if len(name) > TYPE_CHARS_MAX or not _TYPE_NAME.fullmatch(name):
            raise SchemaError(
                "an event type is written subject.verbed",
                field=name,
                hint="lower-case words joined by dots, such as invoice.paid",
            )


def _check_scale(score: int, scale: tuple[int, int]) -> None:
    low, high = scale
    if not low <= score <= high:
        raise OutOfScaleError(
            f"data.score: {score} is outside of the scale {low} to {high}",
            field="data.score",
            hint="does the survey tool ask on the programme's scale?",
        )


@cache
def default_catalogue() -> Catalogue:
    """Return the catalogue of the built-in domain events."""
    return Catalogue(MappingProxyType({name: _entry(name, m) for name, m in BUILT_IN.items()}))


@lru_cache(maxsize=MODELS_MAX)
def _contact_updated(fields: tuple[tuple[str, str], ...]) -> EventType:
    """Return `contact.updated` with a programme's own fields.

    Making a model costs milliseconds, and a programme's is asked for with every scenario of it.
    """
    kinds = {
        "string": {"type": "string"},
        "int": {"type": "integer"},
        "bool": {"type": "boolean"},
        "list": {"type": "array"},
        "instant": {"type": "string", "format": "date-time"},
    }
    name = "contact.updated"
    properties = {field: kinds[kind] for field, kind in fields}
    own = model_of({"type": "object", "properties": properties}, name=name)
    return _entry(name, _both(contacts.ContactUpdated, own))


def _both(known: type[EventData], own: type[EventData]) -> type[EventData]:
    return create_model(known.__name__, __base__=(known, own), __doc__=known.__doc__)


def _entry(name: str, model: type[EventData], schema: Mapping[str, Any] | None = None) -> EventType:
    if schema is None:
        schema = schema_of(model, name=name) | {"description": getdoc(model)}
    account: Fields = {"account": "string"}
    fields: Fields = {**account, **fields_of(schema), **model.ADDED}
    return EventType(
        name=name,
        model=model,
        schema=MappingProxyType(dict(schema)),
        fields=MappingProxyType(dict(fields)),
        required=frozenset(schema.get("required", ())),
        nested=tuple(key for key, kind in fields.items() if not isinstance(kind, str)),
    )


def _repaired(entry: EventType, data: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """Return `data` with `9.0` as `9`, if that was all that was wrong with it."""
    details = error.errors(include_url=False)
    if not all(is_whole_float(detail) for detail in details):
        raise refusal(details, data, f"data of {entry.name}") from None
    repaired = deepcopy(data)
    for detail in details:
        *path, last = detail["loc"]
        target: Any = repaired
        for part in path:
            target = target[part]
        target[last] = int(detail["input"])
    try:
        entry.model.model_validate(repaired)
    except ValidationError as second:
        raise refusal(second.errors(include_url=False), data, entry.name) from None
    return repaired


def _without_nulls(data: dict[str, Any], fields: Fields, *, clears: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in data.items():
        kind = fields.get(key)
        if value is None and kind is not None:
            if clears:
                kept[key] = zero_of(kind)
        elif isinstance(value, dict) and isinstance(kind, Mapping):
            kept[key] = _without_nulls(value, kind, clears=clears)
        else:
            kept[key] = value
    return kept
