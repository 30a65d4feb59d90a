"""What contacts do with what they earned, and what people approve."""

from typing import Annotated, ClassVar

from pydantic import Field

from events.values import EventData, Identifier

AMOUNT_MAX = 1_000_000_000


class RewardChosen(EventData):
    """A contact chose what to do with an available reward."""

    NEEDS_CONTACT: ClassVar[bool] = True

    choice: Annotated[Identifier, Field(description="One of the programme's choices.")]
    amount: Annotated[
        int, Field(ge=1, le=AMOUNT_MAX, description="How much of the balance, in its currency.")
    ]
    charity: Annotated[Identifier | None, Field(description="Who gets a donation.")] = None


class RewardApproved(EventData):
    """A person released a reward before its hold was over."""

    entry: Annotated[Identifier, Field(description="The ledger's entry.")]
