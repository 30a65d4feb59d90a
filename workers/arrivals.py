"""From a raw event to one that the store can take: who may say it, whom it concerns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from events.catalogue import Catalogue
from events.envelope import Event, parse_event
from events.referrals import code_key
from events.refusals import InvalidFieldError, MissingFieldError, shown
from events.scan import scan
from store.intake import Arrival
from workers.verdicts import ForbiddenEventError, UnknownAskError, UnknownTaskError
from workflows.sources import Mapped
from workflows.state import Consent, Doc, iso

ANYTHING = "*"
NATURAL_KEY_BYTES_MAX = 1_500
"""With the source beside it the key must fit a row of Postgres's index (2,704 bytes)."""

BY_CODE = frozenset({"referral.submitted", "link.clicked"})
"""Types that may name a share code instead of the contact whose it is."""

REVIEWS = frozenset({"review.approved", "review.rejected"})
"""Types that may name the lead in review instead of whoever recommended it."""

BY_KEY = ("task", "ask")
"""What a type begins with whose data may name a task or ask instead of whose that is."""

UNSUBSCRIBED = "contact.unsubscribed"

TOPIC = "programme"
CHANNEL = "email"
"""What an unsubscription that names no topic or channel is about."""


class Publisher(Protocol):
    """Who publishes, as an API key says it; `*` among sources or types allows any."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def sources(self) -> Collection[str]:
        """The sources it may speak for."""

    @property
    def types(self) -> Collection[str]:
        """The event types it may publish."""


@dataclass(frozen=True, slots=True)
class Offered:
    """An event on its way to the store.

    Attributes:
        lookup: `task` or `ask` when its actor is to be looked up by the key in its data;
            `lead` when the person it is about has no id.
        key: The name of the key that publishes it, empty if none is needed.
    """

    event: Event
    arrived: datetime
    actors: tuple[str, ...]
    lookup: str = ""
    person: Mapping[str, str] | None = None
    key: str = ""

    @property
    def subject(self) -> str:
        """The key of the task or ask it names."""
        return str(self.event.data[self.lookup]) if self.lookup in BY_KEY else ""

    @property
    def is_word(self) -> bool:
        """Whether it is a word on consent, which counts at once."""
        return self.event.type == UNSUBSCRIBED

    def found(self, actor: str | None) -> "Offered":
        """Return it with the actor that its task or ask belongs to.

        Raises:
            EventError: There is no such task or ask.
        """
        if actor is None:
            unknown = UnknownTaskError if self.lookup == "task" else UnknownAskError
            raise unknown(
                f"data.{self.lookup}: there is no {self.lookup} {shown(self.subject)!r}",
                field=f"data.{self.lookup}",
                hint=f"send the key as `vouch {self.lookup}s list` prints it",
            )
        kind, _, name = actor.partition("/")
        event = self.event
        if kind == "contact":
            event = replace(event, contact=name)
        elif kind == "account":
            event = replace(event, account=name)
        return replace(self, event=event, actors=(actor,), lookup="")

    def named(self, lead: str) -> "Offered":
        """Return it with the id of the lead it is about."""
        told = {**self.event.data, "lead": {**self.event.data["lead"], "id": lead}}
        event = replace(self.event, lead=lead, data=told)
        return replace(self, event=event, actors=_actors(event), lookup="")

    def arrival(self) -> Arrival:
        """Return the row it becomes."""
        event = self.event
        return Arrival(
            id=event.id,
            source=event.source,
            type=event.type,
            time=event.time,
            arrived=self.arrived,
            doc=_document(event, self.person),
            actors=self.actors,
            natural_key=event.natural_key,
            contact=event.contact,
            consents=_consents(event),
            key=self.key,
        )


def offer(
    raw: object, publisher: Publisher | None, *, arrived: datetime, catalogue: Catalogue
) -> Offered:
    """Return the event that `raw` tells, if its publisher may tell it and it is sound.

    Raises:
        EventError: It is not accepted, and why.
    """
    person: Mapping[str, str] | None = None
    if isinstance(raw, Mapped):
        person = raw.person
        raw = raw.raw
    key = ""
    if publisher is not None:
        _authorise(raw, publisher)
        key = publisher.name
    event = parse_event(raw, now=arrived, catalogue=catalogue)
    if person:
        scan(dict(person))
    if len(event.natural_key.encode()) > NATURAL_KEY_BYTES_MAX:
        raise InvalidFieldError(
            f"naturalkey: must have at most {NATURAL_KEY_BYTES_MAX} bytes",
            field="naturalkey",
            hint="shorten it, or send a hash of it",
        )
    actors = _actors(event)
    lookup = "" if actors else _key_of(event)
    if event.type == "referral.submitted" and not event.lead and actors:
        return Offered(event, arrived, actors, "lead", person, key)
    if not actors and lookup not in BY_KEY:
        raise MissingFieldError(
            f"subject: missing, this {event.type} concerns nobody",
            field="subject",
            hint="subject: contact/ID, or account/ID",
        )
    return Offered(event, arrived, actors, lookup, person, key)


def _key_of(event: Event) -> str:
    """Return by which key of its data it is found whom an event concerns: a task's or an ask's.

    '' of a programme's own type that begins like one and names none.
    """
    kind = event.type.partition(".")[0]
    return kind if kind in BY_KEY and isinstance(event.data.get(kind), str) else ""


def _authorise(raw: object, publisher: Publisher) -> None:
    """Compare with what the key may do before anything else is said about the event."""
    if not isinstance(raw, dict):
        return
    for name, allowed in (("source", publisher.sources), ("type", publisher.types)):
        value = raw.get(name)
        if isinstance(value, str) and value not in allowed and ANYTHING not in allowed:
            raise ForbiddenEventError(
                f'{name}: the key "{publisher.name}" may not publish "{shown(value)}"',
                field=name,
                hint=f"ask for a key with this {name}: vouch keys add",
            )


def _actors(event: Event) -> tuple[str, ...]:
    """Return whose inboxes the event enters, the one whose slice holds the event first."""
    lead = f"contact/{event.lead}" if event.lead else ""
    if event.contact:
        return (f"contact/{event.contact}",)
    if event.type in BY_CODE or event.type in REVIEWS:
        return _named_otherwise(event)
    if lead:
        return (lead,)
    if event.account:
        return (f"account/{event.account}",)
    if event.type == "improvement.announced":
        return (f"theme/{event.data['theme']}",)
    return ()


def _named_otherwise(event: Event) -> tuple[str, ...]:
    """Return whom an event without a contact means: whose code it is, or the lead in review."""
    if event.type in BY_CODE:
        code = code_key(str(event.data.get("code") or ""))
        return (f"code/{code}",) if code else ()
    referral = event.data["referral"]
    return () if referral.startswith("r-") else (f"contact/{referral}",)


def _document(event: Event, person: Mapping[str, str] | None) -> Doc:
    """Return what the inbox and the engine see."""
    doc: Doc = {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": iso(event.time),
        "contact": event.contact,
        "account": event.account,
        "lead": event.lead,
        "data": event.data,
        "natural_key": event.natural_key,
    }
    if person:
        doc["person"] = dict(person)
    return doc


def _consents(event: Event) -> tuple[Consent, ...]:
    """Return the word on consent that must count at once, whatever the queue does."""
    if event.type != UNSUBSCRIBED:
        return ()
    return (
        Consent(
            actor=f"contact/{event.contact}",
            channel=event.data.get("channel") or CHANNEL,
            topic=event.data.get("topic") or TOPIC,
            granted=False,
            at=event.time,
            source=event.source,
        ),
    )
