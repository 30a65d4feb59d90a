"""Vouch as an administrator runs it, for a figure: migrated, applied, and started as asked."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from benchmarks.designs import PROGRAMME, Counter
from benchmarks.inside import set_up
from benchmarks.processes import CHECKOUT, answers, last_words, running, wait_until
from benchmarks.servers import Servers
from tests.processes import free_port
from tests.services import libpq, new_database, sibling

PROCFILE = ("worker", "worker", "clock", "web")
VALKEY_DATABASE = 5
HANDLED_SECONDS_MAX = 300


@dataclass(slots=True)
class Stack:
    """One installation: its addresses, its processes, and who counts its rows.

    Attributes:
        environ: Its settings.
        port: Where its web process listens.
        key: An API key.
        log: What its processes say.
        pids: Its processes by kind, as far as they run.
    """

    environ: dict[str, str]
    port: int
    key: str
    log: Path
    conn: psycopg.Connection[Any]
    queue: "redis.Redis"
    pids: dict[str, list[int]] = field(default_factory=dict)

    @property
    def counter(self) -> Counter:
        """A new counter of rows, which has seen none."""
        return Counter(self.conn)

    def found(self, query: str) -> int:
        """Return the number that a query finds."""
        return int(self.conn.execute(query).fetchall()[0][0])

    def is_idle(self) -> bool:
        """Tell whether no event waits, on the queue or in the inbox."""
        waiting = self.queue.hlen("dramatiq:events.msgs")
        return not waiting and not self.conn.execute("SELECT FROM inbox LIMIT 1").fetchall()

    def handled(self) -> int:
        """Return how many inputs have been handled."""
        return self.counter.rows("decision")

    def wait_handled(self, inputs: int) -> None:
        """Wait until so many inputs have been handled in all.

        Raises:
            BenchError: They are not after `HANDLED_SECONDS_MAX`.
        """
        what = f"{inputs} inputs handled"
        wait_until(
            lambda: self.is_idle() and self.handled() >= inputs,
            what, self.log, seconds=HANDLED_SECONDS_MAX,
        )  # fmt: skip

    @contextmanager
    def started(
        self, kinds: Sequence[str] = PROCFILE, *, checkout: Path = CHECKOUT
    ) -> Iterator[None]:
        """Run these processes meanwhile, of this version or another one."""
        with ExitStack() as stack:
            for kind in kinds:
                started = running(["workers.main", kind], self.environ, self.log, checkout=checkout)
                pid = stack.enter_context(started)
                self.pids.setdefault(f"{kind}s" if kind == "worker" else kind, []).append(pid)
            if "web" in kinds:
                wait_until(lambda: answers(self.port), "vouch web", self.log)
            wait_until(self._has_workers(kinds.count("worker")), "vouch worker", self.log)
            try:
                yield
            finally:
                self.pids.clear()

    def _has_workers(self, wanted: int) -> Callable[[], bool]:
        return lambda: self.log.read_text(errors="replace").count('"worker.started"') >= wanted

    def words(self) -> str:
        """Return the last words of its log."""
        return last_words(self.log)


@contextmanager
def installed(
    servers: Servers, *, programme: Path = PROGRAMME, more: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Make a database with a programme applied; nothing runs yet."""
    with ExitStack() as stack:
        port = free_port()
        database = stack.enter_context(new_database(servers.postgres, f"bench_figure_{port}"))
        queue = sibling(servers.valkey, servers.emptied(VALKEY_DATABASE))
        environ = {
            "VOUCH_DATABASE_URL": database,
            "VOUCH_REDIS_URL": queue,
            "VOUCH_PROGRAMME": str(programme),
            "VOUCH_SECRET_KEYS": secrets.token_urlsafe(32),
            "VOUCH_MAIL_FOLDER": str(servers.folder / "mail"),
            "VOUCH_BIND": f"127.0.0.1:{port}",
            **(more or {}),
        }
        key = set_up(database, programme)
        conn = stack.enter_context(psycopg.connect(libpq(database), autocommit=True))
        client = stack.enter_context(redis.Redis.from_url(queue))
        log = servers.folder / "vouch.log"
        log.write_text("")
        environ |= {"BENCH_WEB": f"http://127.0.0.1:{port}", "BENCH_KEY": key}
        yield Stack(environ, port, key, log, conn, client)
