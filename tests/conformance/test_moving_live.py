"""A programme changed under workers that run: on both databases, with two drains at once."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from store import dead, definitions
from store.db import Store
from store.drain import pending_inputs
from store.listings import facts, work
from tests.workers.changing import TOUR, programme
from workers import bulk, running
from workers.app import App
from workers.clock import SystemClock
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.tokens import Tokens
from workers.trial import TRIAL_KEY
from workflows.compiled import version_of
from workflows.loaded import Loaded
from workflows.migration import Given
from workflows.state import iso

RUNS = 400
SLOW = TOUR.replace("3d", "5y")
OTHER = SLOW.replace("id: rest", "id: relax").replace("id: hear", "id: listen")


def _app(store: Store) -> App:
    desk = Desk(Tokens([TRIAL_KEY]), "https://vouch.example", "vouch@vouch.example")
    return App(store, SystemClock(), desk, {}, token=lambda: secrets.token_hex(8))


@contextmanager
def _working(store: Store) -> Iterator[None]:
    """Drain in two threads, each with an App of its own, as two workers would."""
    over = Event()

    def work_on() -> None:
        app = _app(store)
        while not over.is_set():
            app.drain()
            over.wait(0.005)

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(work_on) for _ in range(2)]
        try:
            yield
        finally:
            over.set()
    for end in ends:
        end.result()


def _publish(app: App, first: int, count: int) -> None:
    app.publish([
        {"specversion": "1.0", "id": f"e-{number}", "source": "test",
         "type": "project.delivered", "subject": f"contact/c-{number % 50}",
         "time": iso(app.clock.now()), "data": {"project_id": f"p-{number}"}}
        for number in range(first, first + count)
    ])  # fmt: skip


def _move(app: App, loaded: Loaded, steps: Given) -> str:
    apply_loaded(app.store, loaded, now=app.clock.now(), by="u-sam")
    to = version_of(loaded.workflows["tour"].canonical())
    with app.store.reader() as conn:
        mark = str(definitions.history(conn, limit=1)[0]["seq"])
    many = running.moving(app, "tour", to=to, steps=steps, by="u-sam", mark=mark)
    bulk.do(app, many, by="u-sam", dry_run=False, progress=lambda *_: None)
    return to


def _settle(store: Store) -> None:
    """Wait until the workers have nothing left to do."""
    pause = Event()
    while True:
        with store.reader() as conn:
            if not pending_inputs(conn):
                return
        pause.wait(0.01)


def test_runs_move_there_and_back_while_workers_run(store: Store) -> None:
    """More arrive meanwhile; in the end each is there once, in the version of the head."""
    loaded = programme(tour=SLOW)
    apply_loaded(store, loaded, now=SystemClock().now(), by="u-sam")
    app = _app(store)
    with _working(store):
        _publish(app, 0, RUNS // 2)
        _move(app, programme(tour=OTHER), {"rest": "relax", "hear": "listen"})
        _publish(app, RUNS // 2, RUNS // 2)
        _settle(store)
        back = _move(app, loaded, {"relax": "rest", "listen": "hear"})
        _settle(store)
        _move(app, loaded, {"relax": "rest", "listen": "hear"})  # who was not told yet
        _settle(store)

    with store.reader() as conn:
        assert work.in_flight(conn) == [
            {"workflow": "tour", "version": back, "step": "rest", "count": RUNS}
        ]
        assert dead.listed(conn) == []
        started = [each["key"] for each in facts.each_fact(conn, types=["run.started"])]
        assert len(started) == len(set(started)) == RUNS
        timers = [row for number in range(50) for row in work.timers(conn, contact=f"c-{number}")]
        assert len(timers) == RUNS
        assert {row["name"] for row in timers} == {"rest"}
