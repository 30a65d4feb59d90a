"""Parcels for the tests of channels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from workers.channels.base import Channel, ChannelError, Parcel

PARCEL = Parcel(
    key="run-1/ask/1",
    channel="email",
    address="ana@example.org",
    name="Ana",
    sender_name="Ben of Acme",
    sender_address="ben@acme.example",
    reply_to="",
    subject="One question",
    text="How did it go?\n",
    html="",
    headers=(),
    at=datetime(2026, 3, 2, 8, 30, tzinfo=UTC),
)


def send(by: Channel, /, **changes: Any) -> str:
    """Send the parcel, changed, in a burst of its own."""
    with by.burst() as post:
        return post(replace(PARCEL, **changes))


@contextmanager
def failing(outcome: str) -> Iterator[pytest.ExceptionInfo[ChannelError]]:
    """Prove that the block fails with this outcome, in words that name nobody."""
    with pytest.raises(ChannelError) as caught:
        yield caught
    assert caught.value.outcome == outcome
    assert "@" not in str(caught.value)
