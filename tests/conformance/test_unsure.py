"""A message that may have left, and leaves again to be sure of it: its place stays its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from random import Random
from typing import Any

import pytest
import yaml

from store import outbox_record
from store.db import Store
from store.tables import OutboxRow
from tests.conformance import rows
from tests.generated import loaded, made
from workers.app import App
from workers.channels.base import ChannelError, Parcel
from workers.clock import VirtualClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.sending import ATTEMPTS, ATTEMPTS_MAX, BACKOFF_MAX
from workers.tokens import Tokens
from workflows.loaded import Loaded
from workflows.state import iso

NOW = datetime(2027, 3, 2, 10, 30, tzinfo=UTC)
SOON = timedelta(seconds=30)


class Forgetful:
    """A gateway that knows keys, and does not answer while it is `mute`."""

    name = "email"
    repeatable = True

    def __init__(self) -> None:
        self.mute = True
        self.got: list[str] = []

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender."""
        yield self._send

    def look_up(self, key: str) -> bool | None:
        """Nobody can tell."""
        del key
        return None

    def _send(self, parcel: Parcel) -> str:
        self.got.append(parcel.key)
        if self.mute:
            raise ChannelError("no answer", outcome="uncertain")
        return parcel.key


@cache
def _programme() -> Loaded:
    policies = {
        "zone": "UTC", "channels": ["email"],
        "classes": {"value": {"consent": "programme", "caps": ["each"]}},
        "caps": {"each": {"max": 1, "within": "7d"}},
    }  # fmt: skip
    drawn = made(Random("unsure"), policies=policies)
    files = {path: text for path, text in drawn.items() if not path.startswith("workflows/")}
    whole = yaml.safe_load(files["programme.yaml"])
    for gone in ("quiet", "moments", "asks"):
        whole.pop(gone, None)
    files["programme.yaml"] = yaml.safe_dump(whole)
    for name, event in (("first", "favour.granted"), ("other", "problem.solved")):
        files[f"workflows/{name}.yaml"] = yaml.safe_dump({
            "workflow": name, "trigger": {"event": event},
            "steps": [{"send": {"template": "plain-1", "class": "value", "once": True}}],
        })  # fmt: skip
    return loaded(files)


class Town:
    """An app with a gateway that is mute, and a contact whose first message just left."""

    def __init__(self, store: Store) -> None:
        numbers = count()
        desk = Desk(Tokens([b"a key for tests only: no link of it leaves"]), "https://vouch.example",
                    "vouch@vouch.example")  # fmt: skip
        self.store, self.clock, self.gateway = store, VirtualClock(NOW), Forgetful()
        self.app = App(store, self.clock, desk, {"email": self.gateway},
                       token=lambda: f"token/{next(numbers)}")  # fmt: skip
        apply_loaded(store, _programme(), now=NOW, by="test")
        self.say("contact.updated", email="anna@acme.example")
        self.say("favour.granted")
        self.app.deliver()

    def say(self, type_: str, **data: Any) -> None:
        """Have the contact's event handled."""
        self.app.publish([{
            "specversion": "1.0", "source": "test", "time": iso(self.clock.now()),
            "id": f"{type_}/{self.clock.now()}", "type": type_, "subject": rows.ANNA,
            "data": data,
        }])  # fmt: skip
        self.app.drain()

    def later(self, span: timedelta = SOON) -> None:
        """Send what is due after a while."""
        self.clock.advance(span)
        self.app.sweep()
        self.app.deliver()

    def of(self, name: str, workflow: str = "first") -> str:
        """Return what stands in the row of the message of a workflow."""
        with self.store.reader() as conn:
            [found] = rows.column(conn, OutboxRow, name, workflow=workflow)
        return str(found)


@pytest.fixture
def town(store: Store) -> Town:
    """Give a town whose first message may have arrived."""
    return Town(store)


def test_no_other_message_takes_its_place(town: Town) -> None:
    """Its cap is used up until it left again; then it is sent, once."""
    town.gateway.got.clear()
    town.say("problem.solved")
    with town.store.transaction() as conn:
        rows.update(conn, OutboxRow, {"once": False}, workflow="other")
    town.app.deliver()

    assert town.of("status") == "pending"
    assert town.of("reason", "other") == "capped"
    assert town.gateway.got == []

    town.gateway.mute = False
    town.later()

    assert town.of("status") == "sent"
    assert len(town.gateway.got) == 1


def test_a_template_that_may_have_come_is_not_sent_by_another(town: Town) -> None:
    """`once` holds for what is unsure, and keeps nobody from being sent again."""
    town.say("problem.solved")
    town.app.deliver()

    assert town.of("reason", "other") == "already_sent"

    town.gateway.mute = False
    town.later()

    assert town.of("status") == "sent"


def test_what_may_not_leave_again_is_in_doubt(town: Town) -> None:
    """Nobody says that it was skipped: it may have come. An operator knows."""
    key = town.of("key")
    town.say("contact.unsubscribed", topic="programme", channel="email")
    town.later()
    town.later()

    assert (town.of("status"), town.of("reason")) == ("in_doubt", "no_consent")
    assert len(town.gateway.got) == 1

    town.app.resolve_key(key, sent=False, by="operator")
    town.later()

    assert (town.of("status"), town.of("reason")) == ("skipped", "no_consent")


def test_what_was_tried_so_often_is_in_doubt(town: Town) -> None:
    """It did not fail: it may have come at each attempt. Nobody sends it any more by itself."""
    for _ in range(2 * ATTEMPTS_MAX):
        town.later(BACKOFF_MAX)

    assert len(town.gateway.got) == ATTEMPTS_MAX
    assert (town.of("status"), town.of("reason")) == ("in_doubt", ATTEMPTS)


def test_a_lease_that_ran_out_leaves_it_unsure(town: Town) -> None:
    """A process that died while it sent says no more than a gateway that does not answer."""
    with town.store.transaction() as conn:
        rows.update(conn, OutboxRow, {"status": "in_doubt", "reason": "", "doc": {}})
    town.app.settle_doubts(town.clock.now())
    town.say("contact.unsubscribed", topic="programme", channel="email")
    town.later()

    assert (town.of("status"), town.of("reason")) == ("in_doubt", "no_consent")


def test_what_is_sent_again_by_an_operator_stays_unsure(town: Town) -> None:
    """Redelivered from doubt, it keeps its place in caps."""
    key = town.of("key")
    with town.store.transaction() as conn:
        rows.update(conn, OutboxRow, {"status": "in_doubt", "doc": {"touch": 1}})
        again = outbox_record.redeliver(conn, key, by="operator", now=NOW)

    assert again is not None
    assert again.is_unsure
