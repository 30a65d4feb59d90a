"""Answers of contacts: to an ask, to an opt-in, to a journey's stage; and what they gave."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from events.values import EventData, Identifier, Name, Text, Url


class AskAnswered(EventData):
    """A contact answered an ask. Every answer is fine, a no as well."""

    ask: Annotated[Identifier, Field(description="The ask's id, as its links carry it.")]
    answer: Annotated[
        Literal["gladly", "not_now", "later", "never"],
        Field(description="The button that was pressed."),
    ]
    text: Annotated[Text | None, Field(description="What the contact added.")] = None


class OptinRequested(EventData):
    """A contact asked to take part; it takes a confirmation to count."""

    NEEDS_CONTACT: ClassVar[bool] = True

    text_version: Annotated[Name | None, Field(description="The words consented to.")] = None


class OptinConfirmed(EventData):
    """A contact confirmed taking part, by a POST of the confirmation page."""

    NEEDS_CONTACT: ClassVar[bool] = True

    text_version: Annotated[Name | None, Field(description="The words consented to.")] = None


class QuoteGiven(EventData):
    """A contact gave us a sentence to quote."""

    text: Annotated[Text | None, Field(description="The quote.")] = None
    may_publish: Annotated[bool | None, Field(description="Whether we may show it.")] = None


class StoryGiven(EventData):
    """A contact gave us a reference story."""

    text: Annotated[Text | None, Field(description="The story, or its beginning.")] = None
    url: Annotated[Url | None, Field(description="Where it can be read.")] = None


class ReviewPosted(EventData):
    """A contact wrote a review somewhere public."""

    url: Annotated[Url | None, Field(description="Where it can be read.")] = None


class SocialFollowed(EventData):
    """A contact follows us on a social network."""

    url: Annotated[Url | None, Field(description="The profile that is followed.")] = None


class JourneyAnswered(EventData):
    """A contact did what a stage of the journey offered."""

    NEEDS_CONTACT: ClassVar[bool] = True

    stage: Annotated[Identifier, Field(description="The stage's name in the workflow.")]
    text: Annotated[Text | None, Field(description="What the contact answered.")] = None


class LinkClicked(EventData):
    """Somebody opened a share link."""

    code: Annotated[Identifier, Field(description="The share code in the link.")]
    bot: Annotated[bool | None, Field(description="A mail scanner, not a person.")] = None


class ImprovementAnnounced(EventData):
    """Something customers complained about has been improved."""

    theme: Annotated[Identifier, Field(description="The theme, as the programme names it.")]
    text: Annotated[Text, Field(min_length=1, description="What has changed.")]
