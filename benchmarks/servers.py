"""The Postgres and the Valkey of a bench: from their wheels, with default durability."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
import redis

from benchmarks.machine import parent_of
from benchmarks.statements import WATCHED
from tests.services import libpq, postgres_server, sibling, valkey_server


@dataclass(frozen=True, slots=True)
class Servers:
    """What all designs of one run share.

    Attributes:
        postgres: The address of a database of the server.
        valkey: The address of its database 0.
        folder: For logs and files, gone at the end.
        pids: The servers' processes by kind.
    """

    postgres: str
    valkey: str
    folder: Path
    pids: Mapping[str, list[int]]

    def emptied(self, number: int) -> int:
        """Empty a database of Valkey and return its number."""
        with redis.Redis.from_url(sibling(self.valkey, number)) as client:
            client.flushdb()
        return number


@contextmanager
def bench_servers() -> Iterator[Servers]:
    """Run both servers until the bench ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vouch-bench-")))
        server = stack.enter_context(postgres_server(folder / "postgres", more=WATCHED))
        queue = stack.enter_context(valkey_server(folder / "valkey"))
        with psycopg.connect(libpq(server)) as conn:
            postgres = parent_of(conn.info.backend_pid)
        with redis.Redis.from_url(queue) as client:
            valkey = cast("dict[str, int]", client.info("server"))["process_id"]
        yield Servers(server, queue, folder, {"postgres": [postgres], "valkey": [valkey]})
