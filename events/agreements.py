"""Agreements that promise introductions when targets are met."""

from typing import Annotated

from pydantic import Field

from events.values import Day, EventData, Identifier, Name, Whole


class _Agreement(EventData):
    """What every event of an agreement carries."""

    agreement: Annotated[Identifier, Field(description="The agreement's id.")]


class AgreementSigned(_Agreement):
    """An agreement with a clause on introductions was signed."""

    start_on: Annotated[Day, Field(description="The day from which the targets count.")]


class AgreementReported(_Agreement):
    """A month of an agreement was reported."""

    target: Annotated[Whole, Field(description="What was agreed for the month.")]
    attained: Annotated[Whole, Field(description="What was reached, in the target's unit.")]
    month: Annotated[Name | None, Field(description="The month, such as 2027-03.")] = None


class AgreementEnded(_Agreement):
    """An agreement ended."""
