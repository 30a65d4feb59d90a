"""Each peer as a design: started for a round and stopped after it, on servers of the bench's."""

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import psycopg

from benchmarks.designs import Counter, Design
from benchmarks.peers import environment
from benchmarks.peers.job import TABLES
from benchmarks.processes import BenchError, run, running
from benchmarks.servers import Servers
from tests.processes import free_port
from tests.services import libpq, new_database, sibling

WORKERS = "2"
THREADS = "8"
START_SECONDS = 5.0
"""Processes, pools and queues of a peer stand after that; its warm-up tells if they do not."""

RESTATE_SECONDS_MAX = 60
ALL = ("event", "run", "timer", "outbox")


@dataclass(frozen=True, slots=True)
class Peer:
    """What a user would pick instead.

    Attributes:
        module: Its publisher and handlers, in this package.
        needs: The module without which it cannot run.
        rate: Events a second that it may reach: what decides how many a round publishes.
        worker: The arguments of its worker's interpreter.
        setup: Makes its own tables.
        tables: The rows of ours that it writes; the others it has its own for.
        more: Settings of its processes.
    """

    name: str
    key: str
    module: str
    needs: str
    rate: int
    worker: Sequence[str]
    setup: Sequence[str] = ()
    tables: Sequence[str] = ALL
    more: Mapping[str, str] | None = None


def _dramatiq(actor: str, threads: str) -> tuple[list[str], dict[str, str]]:
    command = ["dramatiq", "benchmarks.peers.with_dramatiq", "-p", WORKERS, "-t", threads]
    return command, {"BENCH_ACTOR": actor, "dramatiq_queue_prefetch": "100"}


_SQL, _SQL_MORE = _dramatiq("sql", THREADS)
_CTE, _CTE_MORE = _dramatiq("cte", "4")
_CELERY = ["celery", "-A", "benchmarks.peers.with_celery", "worker", "-c", WORKERS]
_CELERY += ["--prefetch-multiplier", "64", "-l", "warning"]
_CELERY += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
_TASKIQ = ["taskiq", "worker", "benchmarks.peers.with_taskiq:broker", "-w", "1"]
_TASKIQ += ["--max-async-tasks", "16", "--log-level", "WARNING"]
_DEFERS = "benchmarks.peers.with_procrastinate"
_DURABLE = "benchmarks.peers.with_dbos"
_GRANIAN = ["granian", "--interface", "asgi", "--http", "2", "--loop", "uvloop", "--no-ws"]
_GRANIAN += ["--workers", WORKERS, "--host", "127.0.0.1"]

PEERS = (
    Peer("dramatiq + psycopg, one statement", "cte", "with_dramatiq", "dramatiq", 2_000, _CTE,
         more=_CTE_MORE),
    Peer("dramatiq + psycopg, four statements", "sql", "with_dramatiq", "dramatiq", 1_300, _SQL,
         more=_SQL_MORE),
    Peer("taskiq", "taskiq", "with_taskiq", "taskiq_redis", 1_200, _TASKIQ),
    Peer("Celery", "celery", "with_celery", "celery", 800, _CELERY),
    Peer("Procrastinate", "procrastinate", "with_procrastinate", "procrastinate", 220,
         [_DEFERS, "work"], [_DEFERS], ("event", "run", "outbox")),
    Peer("DBOS", "dbos", "with_dbos", "dbos", 180, [_DURABLE, "work"], [_DURABLE], ("outbox",)),
    Peer("Restate", "restate", "with_restate", "restate", 1_000, _GRANIAN, tables=("outbox",)),
)  # fmt: skip


@contextmanager
def running_peer(
    peer: Peer, servers: Servers, folder: Path, python: Path, events: int
) -> Iterator[Design]:
    """Start a peer on a new database and an empty queue; stop it at the end."""
    with ExitStack() as stack:
        database = stack.enter_context(new_database(servers.postgres, f"peer_{peer.key}"))
        environ = {
            "BENCH_PYTHON": str(python),
            "BENCH_DATABASE": libpq(database),
            "BENCH_REDIS": sibling(servers.valkey, servers.emptied(9)),
            **(peer.more or {}),
        }
        conn = stack.enter_context(psycopg.connect(libpq(database), autocommit=True))
        conn.execute(TABLES)
        if peer.setup:
            run(peer.setup, environ)
        log = servers.folder / f"{peer.key}.log"
        start = _restate if peer.key == "restate" else _plain
        pids = stack.enter_context(start(peer, environ, log, folder))
        counter = Counter(conn)

        def verify(count: int) -> None:
            counter.verify(dict.fromkeys(peer.tables, count))

        yield Design(
            peer.name, peer.key, peer.module, events, environ, pids,
            is_idle=lambda: True, handled=lambda: counter.rows("outbox"), verify=verify, log=log,
        )  # fmt: skip


@contextmanager
def _plain(
    peer: Peer, environ: dict[str, str], log: Path, folder: Path
) -> Iterator[dict[str, list[int]]]:
    with running(peer.worker, environ, log) as pid:
        time.sleep(START_SECONDS)
        yield {"workers": [pid]}


@contextmanager
def _restate(
    peer: Peer, environ: dict[str, str], log: Path, folder: Path
) -> Iterator[dict[str, list[int]]]:
    ingress, admin, node, service = (free_port() for _ in range(4))
    server = {
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_ADVERTISED_ADDRESS": f"http://127.0.0.1:{node}",
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_FILTER": "warn",
        "DO_NOT_TRACK": "1",
    }
    environ["BENCH_INGRESS"] = f"http://127.0.0.1:{ingress}"
    serve = [*peer.worker, "--port", str(service), "benchmarks.peers.with_restate:asgi"]
    data = ["--base-dir", str(log.with_suffix("")), "--default-num-partitions", "4"]
    program = environment.restate_server(folder)
    with (
        running([program, *data], server, log, is_module=False) as engine,
        running(serve, environ, log) as worker,
    ):
        _register(f"http://127.0.0.1:{admin}", f"http://127.0.0.1:{service}")
        yield {"workers": [worker], "server": [engine]}


def _register(admin: str, service: str) -> None:
    body = json.dumps({"uri": service, "force": True}).encode()
    asked = urllib.request.Request(  # noqa: S310 - an address of our own
        f"{admin}/deployments", data=body, headers={"content-type": "application/json"}
    )
    deadline = time.monotonic() + RESTATE_SECONDS_MAX
    while True:
        try:
            urllib.request.urlopen(asked, timeout=10).close()  # noqa: S310
        except (URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise BenchError("Restate did not take its service", hint=str(error)) from error
            time.sleep(0.3)
        else:
            return
