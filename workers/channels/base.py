"""What a channel is: a way for a message to leave, and an honest word about whether it did."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, Protocol

from events.errors import VouchError

LINE_MAX = 100
"""Messages over one connection; many mail servers hang up after so many."""

Outcome = Literal["retry", "refused", "uncertain"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with everything a channel needs to send it.

    Attributes:
        key: Names the delivery, the same on every attempt.
        channel: The channel's name: `email`, `sms`, ...
        address: Where it goes, as the channel writes addresses.
        name: The recipient's name, may be empty.
        sender_name: Who writes.
        sender_address: From which address.
        reply_to: Where answers go, empty for the sender's address.
        subject: One line; empty where the channel has none.
        text: The words.
        html: The same words as HTML, empty for none.
        headers: More headers of a mail, `List-Unsubscribe` and such.
        at: The instant of this attempt, in UTC; it dates and signs the message.
    """

    key: str
    channel: str
    address: str
    name: str
    sender_name: str
    sender_address: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    at: datetime


Send = Callable[[Parcel], str]
"""Sends one parcel, returns the message's id, or raises `ChannelError`."""


class Channel(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """What programmes call it."""

    @property
    def repeatable(self) -> bool:
        """Whether sending a parcel again does no harm, since the key makes it one message."""

    def burst(self) -> AbstractContextManager[Send]:
        """Give a function that sends, over one connection for up to `LINE_MAX` parcels.

        Entering and leaving never fail; whatever goes wrong is an error of a parcel.
        """

    def look_up(self, key: str) -> bool | None:
        """Tell whether a parcel was sent: yes, surely not, or None if nobody can tell."""


class ChannelError(VouchError):
    """A parcel was not sent, or nobody knows.

    The words never hold an address or what the other side said about it: they end up in logs
    and headings. They hold codes.

    Attributes:
        outcome: `retry`: surely not sent, and another time may go better. `refused`: surely
            not sent, and never will be. `uncertain`: it may have been sent.
        retry_after: How long the other side asked us to wait.
    """

    code = "channel-error"

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome,
        hint: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome
        self.retry_after = retry_after


class ChannelSettingsError(VouchError):
    """A channel cannot be made from its settings."""

    code = "channel-settings"


def digest(key: str) -> str:
    """Return a name for a key that fits into headers, file names and other people's systems.

    >>> digest("run/step/1")
    '358176544cf60ac336ade7056cc68be1'
    """
    return sha256(key.encode()).hexdigest()[:32]


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of a delivery: the same on every attempt.

    >>> message_id("run/step/1", "example.org")
    '<358176544cf60ac336ade7056cc68be1@example.org>'
    """
    return f"<{digest(key)}@{domain}>"
