"""Workers killed at commit boundaries, Redis flushed: nothing missing, nothing doubled."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import Any, Self

import pytest
import redis

from store import dead as letters
from store import stats
from store.db import Store
from store.listings import work
from tests.faults import everything
from tests.faults.company import events, introductions
from tests.faults.worker import LoggedChannel
from tests.replay import LIBRARY, Replay, library
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.queue.queue import Queue
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme

KEY = "faults-need-a-signing-key-of-thirty-two-bytes"
EVENTS = 20_000
BATCH = 40
WAIT_SECONDS = 180
PACE_SECONDS = 0.02
"""Between two batches, so that there are many drains, and many deaths, on the way."""
DEATHS_MIN = 10
RESERVE = 20_000
"""Events that are there for when a slow machine drains much at a time, and workers hardly die."""


class Nurse:
    """The process that keeps workers alive, and how many of them died."""

    def __init__(self, environ: dict[str, str], log: Path, *, one_in: int, seed: int) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.faults.nursery",
            str(seed),
            str(log),
            str(one_in),
            "2",
        ]
        self._process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.deaths = 0
        self.exit_code = -1
        self._counter = Thread(target=self._count)

    def __enter__(self) -> Self:
        self._counter.start()
        return self

    def _count(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as deaths:
            while deaths.read(1):
                self.deaths += 1

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self.exit_code = self._process.wait(timeout=60)
        self._counter.join()

    def calm(self) -> None:
        """Let workers live from now on: those that run are replaced by ones that never die."""
        self._process.send_signal(signal.SIGUSR1)


@contextmanager
def ticking(app: App) -> Iterator[None]:
    """Run the clock's sweep in this process."""
    stop = Event()

    def run() -> None:
        while not stop.wait(0.5):
            app.sweep(stale=timedelta(seconds=1))

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _environ(database: str, redis_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "VOUCH_DATABASE_URL": database,
        "VOUCH_REDIS_URL": redis_url,
        "VOUCH_SECRET_KEYS": KEY,
        "VOUCH_WORKER_THREADS": "2",
    }


def _app(store: Store, redis_url: str, log: Path) -> App:
    desk = Desk(Tokens([KEY.encode()]), "https://vouch.example", "vouch@vouch.example")
    app = App(
        store, SystemClock(), desk, {"email": LoggedChannel("email", log)}, token=lambda: "never"
    )
    app.bell = Queue.open(redis_url, app)
    return app


def _expected(published: list[dict[str, Any]], now: datetime) -> Replay:
    """Return what must have come out, by the engine alone, in memory."""
    world = Replay(library(), now)
    for raw in published:
        contact = raw["subject"].removeprefix("contact/")
        lead = raw["data"].get("lead", {}).get("id", "")
        world.event({**raw, "contact": contact, "account": "", "lead": lead}, f"contact/{contact}")
    return world


def _health(store: Store) -> stats.Health:
    with store.reader() as conn:
        return stats.health(conn, now=datetime.now(UTC))


def _settled(store: Store) -> bool:
    found = _health(store)
    return not (found.inbox or found.outbox_due or found.outbox_sending or found.outbox_in_doubt)


@pytest.mark.parametrize("seed", [1])
def test_nothing_missing_and_nothing_doubled(
    pg: str, redis_url: str, tmp_path: Path, seed: int
) -> None:
    """Thousands of events; workers die at commit boundaries, Redis is emptied: all is counted."""
    with closing(Store.open(pg)) as store:
        _count_everything(store, _environ(pg, redis_url), tmp_path / "sent", seed)


def _count_everything(store: Store, environ: dict[str, str], log: Path, seed: int) -> None:
    redis_url = environ["VOUCH_REDIS_URL"]
    now = datetime.now(UTC)
    apply_loaded(store, load_programme(load_folder(LIBRARY)), now=now, by="test")
    client = redis.Redis.from_url(redis_url)
    draw = Random(seed)
    known = introductions(now)
    published = [*known, *events(EVENTS + RESERVE, seed=seed, now=now)]
    app = _app(store, redis_url, log)
    pause = Event()
    with Nurse(environ, log, one_in=8, seed=seed) as workers, ticking(app):
        assert len(app.publish(known)) == len(known)
        while not _settled(store):
            pause.wait(0.1)
        for start in range(len(known), len(published), BATCH):
            verdicts = app.publish(published[start : start + BATCH])
            assert all(verdict.status in ("accepted", "duplicate") for verdict in verdicts)
            if draw.random() < 0.04:
                client.flushall()
            pause.wait(PACE_SECONDS)
            if start >= EVENTS and workers.deaths > DEATHS_MIN:
                del published[start + BATCH :]
                break
        workers.calm()
        limit = monotonic() + WAIT_SECONDS
        while not _settled(store) and monotonic() < limit:
            pause.wait(0.2)
        assert _settled(store), f"work was left behind: {_health(store)}"

    world = _expected(published, now)
    with store.reader() as conn:
        found = everything.keys(conn)
        final = everything.outbox_statuses(conn)
        dead = [(row["type"], row["error"]) for row in letters.listed(conn)]
    assert workers.deaths > DEATHS_MIN, "the workers hardly died: the test proves nothing"
    assert workers.exit_code == 0, "a worker did not stop cleanly on SIGTERM"
    assert dead == []
    differing = found["run"] ^ world.runs.keys()
    with store.reader() as conn:
        shown = [(world.runs.get(key), work.run(conn, key)) for key in sorted(differing)[:3]]
    assert not differing, shown
    assert found["task"] == world.tasks.keys()
    assert found["ask"] == world.asks.keys()
    assert found["ledger"] == {entry.key for entry in world.entries}
    schedules = {key for key in found["timer"] if key.startswith("schedule/")}  # set by `apply`
    assert found["timer"] - schedules == world.timers.keys()
    told = {key for key in found["outbox"] if "/sync/" not in key}  # syncs have no target here
    assert told == world.sent.keys() | world.skipped.keys() | world.pending.keys()
    calls = Counter(log.read_text().splitlines())
    doubled = {key for key, number in calls.items() if number > 1}
    assert not doubled, "somebody was written to twice"
    assert calls.keys() == {key for key, status in final.items() if status == "sent"}
    assert calls.keys() == world.sent.keys()
