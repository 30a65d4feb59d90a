"""Breakers: what does not answer is left alone for a while, and the others go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.chaos.count import PROGRAMME
from store import stats
from store.db import Store
from store.dialect import table_of
from store.outbox import AWAY
from store.tables import OutboxRow
from workers.app import App
from workers.breakers import (
    FAILURES_MAX,
    PAUSE_FIRST,
    PAUSE_MAX,
    SLOW_SECONDS,
    Breakers,
    NotAskedError,
)
from workers.channels.base import ChannelError, Parcel
from workers.channels.calls import Call
from workers.clock import VirtualClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme
from workflows.state import iso

NOW = datetime(2027, 6, 14, 10, 0, tzinfo=UTC)
A_LITTLE = 0.001
MANY = 25


class Timer:
    """Tells seconds that go up when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell them."""
        return self.now


@pytest.fixture
def timer() -> Timer:
    """Give the seconds."""
    return Timer()


@pytest.fixture
def breakers(timer: Timer) -> Breakers:
    """Give breakers that go by them."""
    return Breakers(timer)


def _ask(breakers: Breakers, timer: Timer, seconds: float, *, outcome: Any = "retry") -> None:
    """Ask the mail server in vain, for so long."""
    breakers.begin()
    timer.now += A_LITTLE
    with pytest.raises(ChannelError), breakers.asking("email"):
        _no_answer(timer, seconds, outcome)


def _no_answer(timer: Timer, seconds: float, outcome: Any = "retry") -> None:
    timer.now += seconds
    raise ChannelError("no answer", outcome=outcome)


def _open(breakers: Breakers, timer: Timer) -> None:
    for _ in range(FAILURES_MAX):
        _ask(breakers, timer, SLOW_SECONDS)


def test_only_so_many_slow_failures_in_a_row_open_it(breakers: Breakers, timer: Timer) -> None:
    """One fewer than the bound leaves it closed; the one at the bound opens it, for the pause."""
    for _ in range(FAILURES_MAX - 1):
        _ask(breakers, timer, SLOW_SECONDS)
    assert not breakers.wait("email")

    _ask(breakers, timer, SLOW_SECONDS)

    assert breakers.wait("email") == PAUSE_FIRST
    assert not breakers.wait("sms")


@pytest.mark.parametrize("outcome", ["retry", "uncertain"])
def test_a_failure_that_came_at_once_does_not_count(
    breakers: Breakers, timer: Timer, outcome: str
) -> None:
    """Just below the bound of slowness nothing opens, however often."""
    for _ in range(FAILURES_MAX * 5):
        _ask(breakers, timer, SLOW_SECONDS - A_LITTLE, outcome=outcome)

    assert not breakers.wait("email")


@pytest.mark.parametrize("answer", ["sent", "refused"])
def test_an_answer_begins_the_count_anew(breakers: Breakers, timer: Timer, answer: str) -> None:
    """Whoever takes a message, or refuses it for good, is there, however slow it is."""
    for _ in range(FAILURES_MAX - 1):
        _ask(breakers, timer, SLOW_SECONDS)
    if answer == "sent":
        with breakers.asking("email"):
            timer.now += 10
    else:
        _ask(breakers, timer, 10, outcome="refused")
    for _ in range(FAILURES_MAX - 1):
        _ask(breakers, timer, SLOW_SECONDS)

    assert not breakers.wait("email")


def test_after_a_pause_one_message_finds_out(breakers: Breakers, timer: Timer) -> None:
    """The first that asks may go, the others wait; pauses double up to the longest."""
    _open(breakers, timer)
    pauses = []
    for _ in range(8):
        pause = breakers.wait("email")
        pauses.append(pause)
        timer.now += pause.total_seconds() - A_LITTLE
        assert breakers.wait("email")
        timer.now += A_LITTLE
        assert not breakers.wait("email")
        assert breakers.wait("email")
        _ask(breakers, timer, SLOW_SECONDS)

    doubling = [PAUSE_FIRST * 2**number for number in range(8)]
    assert pauses == [min(pause, PAUSE_MAX) for pause in doubling]


def test_who_is_back_is_asked_by_all(breakers: Breakers, timer: Timer) -> None:
    """One success closes it, and the next failures begin at the shortest pause."""
    _open(breakers, timer)
    timer.now += PAUSE_FIRST.total_seconds()
    assert not breakers.wait("email")
    breakers.begin()
    timer.now += A_LITTLE
    with breakers.asking("email"):
        timer.now += A_LITTLE
    assert not breakers.wait("email")

    _open(breakers, timer)

    assert breakers.wait("email") == PAUSE_FIRST


def test_what_was_chosen_before_it_opened_is_not_sent(breakers: Breakers, timer: Timer) -> None:
    """The rest of a burst is not tried; what waits for the pause is told how long."""
    breakers.begin()
    for _ in range(FAILURES_MAX):
        with pytest.raises(ChannelError), breakers.asking("email"):
            _no_answer(timer, SLOW_SECONDS)

    with pytest.raises(NotAskedError) as refused, breakers.asking("email"):
        raise AssertionError

    assert refused.value.retry_after == PAUSE_FIRST


def test_many_that_asked_at_once_open_it_once(breakers: Breakers, timer: Timer) -> None:
    """Threads that wait for the same silence do not double the pause."""
    asking = [breakers.asking("email") for _ in range(FAILURES_MAX * 2)]
    for each in asking:
        each.__enter__()
    timer.now += SLOW_SECONDS
    for each in asking:
        error = ChannelError("no answer", outcome="retry")
        assert not each.__exit__(type(error), error, None)

    assert breakers.wait("email") == PAUSE_FIRST


class Silent:
    """A mail server that lets everybody wait and says nothing."""

    name = "email"
    repeatable = False

    def __init__(self, timer: Timer) -> None:
        self.asked = 0
        self._timer = timer

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender."""
        yield self._send

    def _send(self, parcel: Parcel) -> str:
        self.asked += 1
        self._timer.now += 20
        raise ChannelError("no answer", outcome="retry")

    def look_up(self, key: str) -> bool | None:
        """Nobody can tell."""
        return None


class Hooks:
    """An endpoint that answers at once."""

    def __init__(self) -> None:
        self.called = 0

    def call(self, call: Call) -> int:
        """Count it."""
        self.called += 1
        return 200

    def hang_up(self) -> None:
        """Keep no connection."""


@pytest.fixture
def app(tmp_path: Path, timer: Timer) -> Iterator[App]:
    """Give an App whose mail server is silent, with mails and calls that are due."""
    store = Store.open(f"sqlite:///{tmp_path / 'vouch.db'}", durable=False)
    store.migrate()
    desk = Desk(Tokens([b"k" * 32]), "https://vouch.example", "vouch@vouch.example")
    made = App(
        store, VirtualClock(NOW), desk, {"email": Silent(timer)}, token=lambda: f"{timer.now}"
    )
    made.deliverer.breakers._timer = timer  # noqa: SLF001 - the only real clock there
    apply_loaded(store, load_programme(load_folder(PROGRAMME)), now=NOW, by="x")
    made.publish(
        [_event("contact.updated", n, {"email": f"{n}@acme.example"}) for n in range(MANY)]
    )
    made.publish([_event("problem.solved", n, {"ticket": f"t-{n}"}) for n in range(MANY)])
    made.publish([_event("project.delivered", n, {"project_id": f"p-{n}"}) for n in range(MANY)])
    made.drain()
    yield made
    store.close()


def _event(kind: str, number: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"{kind}-{number}", "source": "test", "type": kind,
        "time": iso(NOW), "subject": f"contact/c-{number}", "data": data,
    }  # fmt: skip


def test_a_silent_mail_server_holds_nobody_else_up(app: App) -> None:
    """So many mails wait for it in vain; the others wait without an attempt; all calls go on."""
    silent, hooks = app.channels["email"], Hooks()
    app.deliverer.calls.caller = hooks

    app.deliver()

    assert isinstance(silent, Silent)
    assert silent.asked == FAILURES_MAX
    assert hooks.called == MANY
    with app.store.reader() as conn:
        rows = [row._asdict() for row in conn.execute(sa.select(table_of(OutboxRow)))]
        found = stats.health(conn, now=NOW)
    mails = [row for row in rows if row["channel"] != "call" and row["status"] == "pending"]
    assert sum(row["attempts"] for row in mails) == FAILURES_MAX
    assert sum(row["reason"] == AWAY for row in mails) == found.outbox_away == MANY - FAILURES_MAX
    assert all(NOW < row["due_at"] <= NOW + PAUSE_FIRST for row in mails)
