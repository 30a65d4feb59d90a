"""The designs that are compared, each running on the same Postgres and Valkey."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from benchmarks.processes import BenchError, answers, run, running, wait_until
from benchmarks.workload import openings
from tests.processes import free_port
from tests.services import libpq, new_database, sibling

PROGRAMME = Path(__file__).with_name("programme")
WORKERS = 2
BASELINE_THREADS = 8
TUNED_PREFETCH = "100"
"""Messages a process takes ahead. dramatiq's own choice, two a thread, lets its workers idle
while its consumer, which polls, waits for the next look: an unpleasant surprise that most who
write such an actor never measure. So both are measured."""


@dataclass(frozen=True, slots=True)
class Design:
    """One way from an event to its effects.

    Attributes:
        key: Its name for machines.
        way: How its publisher publishes: a key of `benchmarks.publish.WAYS`.
        events: How many a round publishes.
        environ: What the publisher needs to know.
        pids: Its processes by kind.
        is_idle: Tells cheaply whether nothing waits; asked often.
        handled: Counts the events whose effects are committed.
        verify: Raises unless the effects of so many events since the last call are all there.
    """

    name: str
    key: str
    way: str
    events: int
    environ: Mapping[str, str]
    pids: Mapping[str, list[int]]
    is_idle: Callable[[], bool]
    handled: Callable[[], int]
    verify: Callable[[int], None]
    log: Path


@dataclass(slots=True)
class Counter:
    """Reads one database's row counts."""

    conn: psycopg.Connection[tuple[int]]
    seen: dict[str, int] = field(default_factory=dict)

    def rows(self, table: str) -> int:
        """Return a table's number of rows."""
        found = self.conn.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608
        return found[0] if found else 0

    def nothing_waits(self) -> bool:
        """Tell whether the inbox is empty.

        By its key: a table still holds all that was deleted, and asked fifty times a second a
        look at the table was a thirtieth of what Postgres did.
        """
        return not self.conn.execute("SELECT FROM inbox ORDER BY slice, seq LIMIT 1").fetchall()

    def begin(self, tables: Iterable[str]) -> None:
        """Count from here: what setting up left in these tables is no effect of an event."""
        self.seen = {table: self.rows(table) for table in tables}

    def verify(self, wanted: Mapping[str, int]) -> None:
        """Compare the rows added since the last call.

        Raises:
            BenchError: A table has others than it must: what is fast must be right.
        """
        for table, number in wanted.items():
            rows = self.rows(table)
            added, self.seen[table] = rows - self.seen.get(table, 0), rows
            if added != number:
                raise BenchError(f"{table}: {added} rows were added, not {number}")


@contextmanager
def _counter(database: str) -> Iterator[Counter]:
    with psycopg.connect(libpq(database), autocommit=True) as conn:
        yield Counter(conn)


@contextmanager
def baseline(
    server: str, queue: str, folder: Path, events: int, *, tuned: bool
) -> Iterator[Design]:
    """Run the one-transaction-an-event actor in `WORKERS` processes, as it comes or tuned."""
    key = "tuned" if tuned else "plain"
    with ExitStack() as stack:
        database = stack.enter_context(new_database(server, f"bench_{key}"))
        environ = {"BENCH_DATABASE": database, "BENCH_REDIS": sibling(queue, 3 if tuned else 1)}
        if tuned:
            environ["dramatiq_queue_prefetch"] = TUNED_PREFETCH
        run(["benchmarks.baseline"], environ)
        log = folder / f"{key}.log"
        workers = ["--processes", str(WORKERS), "--threads", str(BASELINE_THREADS)]
        command = ["dramatiq", "benchmarks.baseline", *workers]
        pid = stack.enter_context(running(command, environ, log))
        counter = stack.enter_context(_counter(database))
        broker = stack.enter_context(redis.Redis.from_url(environ["BENCH_REDIS"]))

        def verify(count: int) -> None:
            opened = openings(count)
            wanted = dict.fromkeys(("run", "task", "outbox"), opened)
            wanted |= {"event": count, "ledger": count - opened}
            counter.verify(wanted)

        yield Design(
            "one transaction an event" + (", tuned" if tuned else ""),
            key,
            "baseline",
            events,
            environ,
            {"workers": [pid]},
            is_idle=lambda: broker.hlen("dramatiq:default.msgs") == 0,
            handled=lambda: counter.rows("event"),
            verify=verify,
            log=log,
        )


@contextmanager
def one_by_one(server: str, queue: str, folder: Path, events: int) -> Iterator[Design]:
    """Run the engine in `WORKERS` processes, each event a message and a drain of its own."""
    with ExitStack() as stack:
        database = stack.enter_context(new_database(server, "bench_single"))
        environ = {
            "BENCH_DATABASE": database,
            "BENCH_REDIS": sibling(queue, 4),
            "BENCH_PROGRAMME": str(PROGRAMME),
            "dramatiq_queue_prefetch": TUNED_PREFETCH,
        }
        run(["benchmarks.one_by_one"], environ)
        log = folder / "single.log"
        workers = ["--processes", str(WORKERS), "--threads", str(BASELINE_THREADS)]
        command = ["dramatiq", "benchmarks.one_by_one", *workers]
        pid = stack.enter_context(running(command, environ, log))
        counter = stack.enter_context(_counter(database))
        broker = stack.enter_context(redis.Redis.from_url(environ["BENCH_REDIS"]))

        def is_idle() -> bool:
            return broker.hlen("dramatiq:default.msgs") == 0 and counter.nothing_waits()

        yield Design(
            "the same engine, one event a transaction", "single", "single", events, environ,
            {"workers": [pid]}, is_idle=is_idle, handled=lambda: counter.rows("decision"),
            verify=lambda count: counter.verify(_effects(count)), log=log,
        )  # fmt: skip


def _effects(count: int) -> dict[str, int]:
    """Return the rows by table that so many events of the bench lead to in Vouch."""
    opened = openings(count)
    each = dict.fromkeys(("event", "decision", "run"), count)
    first = dict.fromkeys(("task", "outbox"), opened)
    return {**each, **first, "ledger": 2 * (count - opened), "dead": 0}


@contextmanager
def vouch(server: str, queue: str, folder: Path, events: int) -> Iterator[list[Design]]:
    """Run the Procfile with `WORKERS` workers; events come in over the queue, and over HTTP."""
    with ExitStack() as stack:
        database = stack.enter_context(new_database(server, "bench_vouch"))
        port = free_port()
        environ = {
            "VOUCH_DATABASE_URL": database,
            "VOUCH_REDIS_URL": sibling(queue, 2),
            "VOUCH_PROGRAMME": str(PROGRAMME),
            "VOUCH_SECRET_KEYS": secrets.token_urlsafe(32),
            "VOUCH_MAIL_FOLDER": str(folder / "mail"),
            "VOUCH_BIND": f"127.0.0.1:{port}",
        }
        log = folder / "vouch.log"
        for command in (["migrate"], ["apply"]):
            run(["workers.main", *command], environ)
        key = run(["workers.main", "keys", "add", "bench"], environ).strip()
        pids: dict[str, list[int]] = {"workers": []}
        for _ in range(WORKERS):
            worker = running(["workers.main", "worker"], environ, log)
            pids["workers"].append(stack.enter_context(worker))
        for name in ("clock", "web"):
            pids[name] = [stack.enter_context(running(["workers.main", name], environ, log))]
        counter = stack.enter_context(_counter(database))
        broker = stack.enter_context(redis.Redis.from_url(environ["VOUCH_REDIS_URL"]))
        wait_until(lambda: answers(port), "vouch web", log)
        wait_until(counter.nothing_waits, "what the operator said", log)
        counter.begin(_effects(0))

        def is_idle() -> bool:
            return broker.hlen("dramatiq:events.msgs") == 0 and counter.nothing_waits()

        def design(name: str, way: str, more: Mapping[str, str]) -> Design:
            return Design(
                name, way, way, events, {**environ, **more}, pids,
                is_idle=is_idle, handled=lambda: counter.rows("decision"),
                verify=lambda count: counter.verify(_effects(count)), log=log,
            )  # fmt: skip

        web = {"BENCH_WEB": f"http://127.0.0.1:{port}", "BENCH_KEY": key}
        yield [
            design("vouch, over the queue", "queue", {}),
            design("vouch, over HTTP", "http", web),
        ]
