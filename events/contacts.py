"""Contacts and customers: who they are, who looks after them, what they do not want."""

from typing import Annotated, ClassVar

from pydantic import Field

from events.values import Address, Day, EventData, Identifier, Name, Names, Phone


class ContactUpdated(EventData):
    """A contact's particulars changed: only the fields given, null empties one.

    The programme's own fields of `contact` come along under their names.
    """

    NEEDS_CONTACT: ClassVar[bool] = True
    NULL_CLEARS: ClassVar[bool] = True
    OPEN: ClassVar[bool] = True

    name: Annotated[Name | None, Field(description="Full name.")] = None
    first_name: Annotated[Name | None, Field(description="First name.")] = None
    last_name: Annotated[Name | None, Field(description="Last name.")] = None
    email: Annotated[Address | None, Field(description="E-mail address.")] = None
    phone: Annotated[Phone | None, Field(description="Telephone number.")] = None
    locale: Annotated[Name | None, Field(description="Language to write in: nl, de, en.")] = None
    zone: Annotated[Name | None, Field(description="Time zone: Europe/Amsterdam.")] = None
    segments: Annotated[Names | None, Field(description="Segments, all of them.")] = None
    owner: Annotated[Identifier | None, Field(description="Who looks after them.")] = None


class ContactMerged(EventData):
    """Two records turned out to be one person; the subject lives on as `into`."""

    NEEDS_CONTACT: ClassVar[bool] = True

    into: Annotated[Identifier, Field(description="The contact that remains.")]


class ContactEraseRequested(EventData):
    """A contact asked to be forgotten."""

    NEEDS_CONTACT: ClassVar[bool] = True


class ContactUnsubscribed(EventData):
    """A contact does not want to hear about something any more."""

    NEEDS_CONTACT: ClassVar[bool] = True

    topic: Annotated[Identifier | None, Field(description="What about; absent: programme.")] = None
    channel: Annotated[Identifier | None, Field(description="By which way; absent: email.")] = None


class OwnerChanged(EventData):
    """Somebody else looks after a contact or an account now."""

    owner: Annotated[Identifier, Field(description="Who, by staff id.")]


class CustomerStarted(EventData):
    """An account became a customer."""

    on: Annotated[Day | None, Field(description="From which day; absent: the event's.")] = None


class CustomerEnded(EventData):
    """An account is no longer a customer."""

    on: Annotated[Day | None, Field(description="From which day; absent: the event's.")] = None
