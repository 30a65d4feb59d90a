"""The events that a bench publishes: the same for every design, the same in every run."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

ANSWER_EVERY = 5
"""Of so many events one answers what an earlier one opened; the others open something."""

LAG_SHARE = 4
"""An answer follows what it answers after this part of a round: people do not answer in the
same second, and two workers take messages in some other order than they were published."""

APART = timedelta(microseconds=100)

ANSWERS_A_CONTACT = 2
"""How often each contact opens something in one round."""

OPENS = "nps.answered"
ANSWERS = "quote.given"

Event = dict[str, Any]


def openings(events: int) -> int:
    """Return how many of so many events open something.

    >>> openings(1_000)
    800
    """
    return events - events // ANSWER_EVERY


def make_events(events: int, label: str, at: datetime) -> list[Event]:
    """Return CloudEvents in the order in which they are published.

    Four of five are answers to a survey, each of which starts a run with a task, a timer and
    a message. The fifth is a quote that one of those contacts gives: it closes the task, cuts
    its timer and earns a reward. It follows a quarter of the round later (`LAG_SHARE`), so that
    workers that take neighbouring messages cannot swap the two.

    Args:
        events: How many.
        label: Keeps the events and contacts of one round apart from those of the next.
        at: When the first of them happened; each next one `APART` later.
    """
    opened = openings(events)
    contacts = max(1, opened // ANSWERS_A_CONTACT)
    lag = events / LAG_SHARE
    placed = [
        (number * events / opened, _opening(number, contacts, label)) for number in range(opened)
    ]
    placed += [
        (_answered(number) * events / opened + lag, _answer(number, contacts, label))
        for number in range(events - opened)
    ]
    ordered = [event for _, event in sorted(placed, key=lambda each: each[0])]
    return [
        {**event, "time": (at + number * APART).isoformat()} for number, event in enumerate(ordered)
    ]


def make_openings(
    events: int, label: str, at: datetime, *, a_contact: int = ANSWERS_A_CONTACT
) -> list[Event]:
    """Return CloudEvents that each open something, `a_contact` of them the same contact's."""
    contacts = max(1, events // a_contact)
    return [
        {**_opening(number, contacts, label), "time": (at + number * APART).isoformat()}
        for number in range(events)
    ]


def make_plain(kind: str, events: int, label: str, at: datetime) -> list[Event]:
    """Return CloudEvents of a type that needs no data, each of a contact of its own."""
    return [
        {
            **_event(f"{label}-{kind}-{number}", kind, f"c-{label}-{number}", {}),
            "time": (at + number * APART).isoformat(),
        }
        for number in range(events)
    ]


def make_contacts(contacts: int, label: str, at: datetime) -> list[Event]:
    """Return CloudEvents that give the contacts of `make_plain` an address each."""
    return [
        {**event, "data": {"email": f"c-{label}-{number}@bench.example", "first_name": "Kim"}}
        for number, event in enumerate(make_plain("contact.updated", contacts, label, at))
    ]


def batches(events: Sequence[Event], size: int) -> Iterator[list[Event]]:
    """Give the events in lists of at most `size`.

    >>> [len(each) for each in batches([{}] * 5, 2)]
    [2, 2, 1]
    """
    for start in range(0, len(events), size):
        yield list(events[start : start + size])


def _opening(number: int, contacts: int, label: str) -> Event:
    data = {
        "response": f"{label}-r{number}",
        "score": number % 11,
        "comment": "They do what they say, and they say what they do.",
        "survey": "after-delivery",
    }
    return _event(f"{label}-o{number}", OPENS, _contact(number, contacts, label), data)


def _answer(number: int, contacts: int, label: str) -> Event:
    contact = _contact(_answered(number), contacts, label)
    data = {"text": "Without them we would still be guessing.", "may_publish": True}
    return _event(f"{label}-a{number}", ANSWERS, contact, data)


def _answered(number: int) -> int:
    """Return the number of the opening that an answer is about: all are of the first part."""
    return number * (ANSWER_EVERY - 1) * (LAG_SHARE - 1) // LAG_SHARE


def _contact(number: int, contacts: int, label: str) -> str:
    return f"c-{label}-{number % contacts}"


def _event(id_: str, kind: str, contact: str, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "bench",
        "type": kind,
        "subject": f"contact/{contact}",
        "data": data,
    }
