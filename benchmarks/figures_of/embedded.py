"""Embedded: `vouch dev` on an SQLite file, events end to end over HTTP in batches of 100.

`--size` is the events of a round. Web, worker and clock are one process.
"""

import secrets
import sqlite3
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks.__main__ import measure as measured
from benchmarks.designs import PROGRAMME, Design
from benchmarks.figures_of.report import Asked, Row
from benchmarks.inside import set_up
from benchmarks.processes import BenchError, answers, running, wait_until
from benchmarks.workload import openings
from tests.processes import free_port

SIZE = 24_000
SECONDS = 0.0
AIM = "5,000"
WARM_PART = 4


def measure(asked: Asked) -> list[Row]:
    """Return throughput, processor time and memory of the one process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouch-bench-")))
        file, port, log = folder / "vouch.db", free_port(), folder / "vouch.log"
        environ = {
            "VOUCH_DATABASE_URL": f"sqlite:///{file}",
            "VOUCH_REDIS_URL": "",
            "VOUCH_SECRET_KEYS": secrets.token_urlsafe(32),
            "VOUCH_MAIL_FOLDER": str(folder / "mail"),
            "VOUCH_BIND": f"127.0.0.1:{port}",
        }
        environ["BENCH_KEY"] = set_up(environ["VOUCH_DATABASE_URL"], PROGRAMME)
        environ["BENCH_WEB"] = f"http://127.0.0.1:{port}"
        pid = stack.enter_context(running(["workers.main", "dev", str(PROGRAMME)], environ, log))
        wait_until(lambda: answers(port), "vouch dev", log)
        conn = stack.enter_context(closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)))
        rounds = []
        for number in range(asked.rounds + 1):  # the first warms up
            events = asked.size if number else max(1, asked.size // WARM_PART)
            before = {table: _rows(conn, table) for table in _effects(0)}
            design = Design(
                "vouch dev", f"e{number}", "http", events, environ, {"workers": [pid]},
                is_idle=lambda: not conn.execute("SELECT 1 FROM inbox LIMIT 1").fetchall(),
                handled=lambda: _rows(conn, "decision"),
                verify=lambda count, before=before: _verify(conn, before, count),  # type: ignore[misc]
                log=log,
            )  # fmt: skip
            found = measured(design, f"e{number}", {}, events)
            rounds += [found] if number else []
    return [
        Row("SQLite, one process, over HTTP", "events/s", tuple(r.rate for r in rounds), AIM),
        Row(
            "processor time, publisher too", "us an event",
            tuple(1e6 * sum(r.cpu_seconds.values()) / r.events for r in rounds),
        ),
        Row("memory of the one process", "MiB", tuple(r.memory_mib for r in rounds)),
    ]  # fmt: skip


def _rows(conn: sqlite3.Connection, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])  # noqa: S608


def _effects(count: int) -> dict[str, int]:
    opened = openings(count)
    each = dict.fromkeys(("event", "decision", "run"), count)
    return {**each, "task": opened, "outbox": opened, "ledger": 2 * (count - opened), "dead": 0}


def _verify(conn: sqlite3.Connection, before: dict[str, int], count: int) -> None:
    for table, wanted in _effects(count).items():
        added = _rows(conn, table) - before[table]
        if added != wanted:
            raise BenchError(f"{table}: {added} rows were added, not {wanted}")
