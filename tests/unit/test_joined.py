"""What several records said is true of one person alike, in whatever order it was heard."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.examples import NIGHTLY
from tests.replay import Replay, library
from workflows.state import Doc, State, iso

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
IDS = ("c-a", "c-b", "c-c", "c-d")
TREES = (
    {"c-b": "c-a"}, {"c-b": "c-a", "c-c": "c-b"}, {"c-b": "c-a", "c-c": "c-a"},
    {"c-b": "c-a", "c-c": "c-b", "c-d": "c-c"}, {"c-b": "c-a", "c-c": "c-b", "c-d": "c-b"},
)  # fmt: skip
"""Which record is merged into which; c-a remains."""


def _event(minute: int, kind: str, contact: str, **data: Any) -> Doc:
    time = iso(START + timedelta(minutes=minute))
    return {"id": f"e-{minute}", "source": "t", "type": kind, "time": time, "lead": "",
            "contact": contact, "account": "", "data": data}  # fmt: skip


def _story(draw: Random) -> list[Doc]:
    """Return merges and words on fields and consents, in order of time."""
    tree = draw.choice(TREES)
    people = [contact for contact in IDS if contact in tree or contact in tree.values()]
    minutes = draw.sample(range(30), len(tree))
    events = [_event(minute, "contact.merged", one, into=into)
              for minute, (one, into) in zip(minutes, tree.items(), strict=True)]  # fmt: skip
    for minute, at in enumerate(draw.sample(range(30), draw.randint(2, 7)), 40):
        contact = draw.choice(people)
        match draw.randrange(6):
            case 0:
                event = _event(
                    at, "contact.unsubscribed", contact, topic="programme", channel="email"
                )
            case 1:
                event = _event(at, "optin.confirmed", contact)
            case 2:
                event = _event(at, "contact.updated", contact, consent={"sms": ["programme"]})
            case 3:
                event = _event(at, "owner.changed", contact, owner=draw.choice(("u-sam", "u-ada")))
            case _:
                field = draw.choice(("email", "first_name", "segments", "zone"))
                value = [f"s{minute}"] if field == "segments" else f"{field}-{minute}"
                event = _event(
                    at,
                    "contact.updated",
                    contact,
                    **{field: draw.choice((value, value, type(value)()))},
                )
        events.append({**event, "id": f"e-{minute}"})
    return sorted(events, key=lambda each: (each["time"], each["type"] == "contact.merged"))


def _outcome(events: list[Doc]) -> Doc:
    world = Replay(library(), START + timedelta(days=1))
    for contact in IDS:  # known before anything is heard
        known = {"id": contact, "name": contact, "locale": "nl"}
        world.states[f"contact/{contact}"] = State(f"contact/{contact}", known)
    for event in events:
        world.event({**event, "data": dict(event["data"])})
    state = world.states["contact/c-a"]
    names = ("email", "first_name", "segments", "zone", "owner", "unsubscribed", "participant",
             "participant_since", "name")  # fmt: skip
    found = {name: state.doc.get(name) or None for name in names}
    found["also"] = sorted(state.doc.get("also", ()))
    found["said"] = {"/".join(way): word.granted for way, word in state.consents.items()}
    return found


@pytest.mark.parametrize("seed", range(2_000 if NIGHTLY else 40))
def test_words_of_several_records_count_alike_in_every_order(seed: int) -> None:
    """Fields, consents and addresses are those of the story told in order of time."""
    draw = Random(seed)
    events = _story(draw)
    as_it_was = _outcome(events)
    for _ in range(3):
        other = draw.sample(events, len(events))
        assert _outcome(other) == as_it_was
