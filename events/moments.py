"""Elevation moments: what makes a customer glad, and with that a good time to ask."""

from typing import Annotated

from pydantic import Field

from events.values import EventData, Identifier, Name, Text, ValueEur


class ProjectDelivered(EventData):
    """A project was delivered."""

    project_id: Annotated[Identifier, Field(description="The project, as its system names it.")]
    value_eur: Annotated[ValueEur | None, Field(description="Its worth, in whole euros.")] = None


class ProblemSolved(EventData):
    """A problem of the customer was solved."""

    ticket: Annotated[Identifier | None, Field(description="The helpdesk's ticket.")] = None


class ProductUpgraded(EventData):
    """The customer moved up to a larger product."""

    product: Annotated[Name | None, Field(description="The product moved up to.")] = None


class FavourGranted(EventData):
    """We did the customer a favour."""

    note: Annotated[Text | None, Field(description="What the favour was.")] = None


class ComplimentGiven(EventData):
    """The customer paid us a compliment."""

    note: Annotated[Text | None, Field(description="What was said, and to whom.")] = None
