"""The survey: how likely is it that you would recommend us, and what should be better."""

from typing import Annotated, ClassVar

from pydantic import Field

from events.values import EventData, Identifier, Name, Text, Whole

SCORE_MIN = -100
SCORE_MAX = 100


class NpsAnswered(EventData):
    """A contact answered the survey, or corrected the answer.

    `score` is bounded widely on purpose: the scale is the programme's, and it is the engine that
    refuses what lies outside of it (`out_of_scale`). The same `response` again is a revision.
    """

    NEEDS_CONTACT: ClassVar[bool] = True
    ADDED: ClassVar[dict[str, str]] = {"band": "string", "previous_band": "string"}

    response: Annotated[Identifier, Field(description="The answer's id; a correction repeats it.")]
    score: Annotated[
        int, Field(ge=SCORE_MIN, le=SCORE_MAX, description="On the programme's scale.")
    ]
    improve: Annotated[Text | None, Field(description="What should be better.")] = None
    comment: Annotated[Text | None, Field(description="Anything else that was said.")] = None
    survey: Annotated[Name | None, Field(description="The survey that asked.")] = None
    revision: Annotated[
        Whole | None, Field(description="Grows with each correction of one response.")
    ] = None


class MessageReported(EventData):
    """Another tool sent the contact a message, which counts in the caps of its class."""

    NEEDS_CONTACT: ClassVar[bool] = True

    class_: Annotated[
        Identifier, Field(alias="class", description="The programme's class of the message.")
    ]
