"""Data of every event type that just suffices, and what is refused of it."""

from typing import Any

import pytest

from events.catalogue import default_catalogue
from events.refusals import EventError

CATALOGUE = default_catalogue()

GOOD: dict[str, Any] = {
    "project_id": "p-1",
    "response": "r-1",
    "score": 9,
    "ask": "a-1",
    "answer": "gladly",
    "lead": "l-1",
    "stage": "won",
    "deal": "d-1",
    "agreement": "g-1",
    "start_on": "2027-03-01",
    "target": 100,
    "attained": 90,
    "choice": "donation",
    "amount": 100,
    "entry": "e-1",
    "referral": "f-1",
    "task": "t-1",
    "to": "u-sam",
    "into": "c-2",
    "owner": "u-sam",
    "class": "newsletter",
    "code": "ANNA-7K2",
    "theme": "waiting_time",
    "text": "A second line",
}


def good(event_type: str, **changes: object) -> dict[str, Any]:
    """Return data with what the type requires, changed."""
    data = {name: GOOD[name] for name in CATALOGUE.required(event_type)}
    if event_type == "referral.submitted":
        data["lead"] = {"id": "l-1"}
    return {**data, **changes}


def refused(event_type: str, data: dict[str, Any]) -> EventError:
    with pytest.raises(EventError) as caught:
        CATALOGUE.check(event_type, data)
    return caught.value
