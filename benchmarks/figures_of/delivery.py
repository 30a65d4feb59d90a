"""Delivery: mails a second to an SMTP sink, calls a second to a webhook sink, each once.

`--size` is how many of each a round sends. They are decided and committed first, with nobody
there to send them; then the processes start. The clock runs from the first that arrives to the
last whose outcome is committed.
"""

import json
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from benchmarks.figures_of.report import Asked, Row
from benchmarks.inside import handle
from benchmarks.processes import CHECKOUT, BenchError, wait_until
from benchmarks.servers import Servers, bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.workload import make_contacts, make_plain

SIZE = 10_000
SECONDS = 0.0
SENT_SECONDS_MAX = 600
PROGRAMME = Path(__file__).with_name("programme")
KINDS = {"mails": "favour.granted", "calls": "compliment.given"}
AIMS = {"mails": "1,000", "calls": "2,000"}
_LEFT = "SELECT count(*) FROM outbox WHERE status <> 'sent'"


def measure(asked: Asked) -> list[Row]:
    """Return mails and calls a second."""
    taken: dict[str, list[float]] = {what: [] for what in KINDS}
    with bench_servers() as servers:
        for _ in range(asked.rounds):
            for what in KINDS:
                taken[what].append(_round(servers, what, asked.size))
    return [
        Row(f"{what}, each once", "a second", tuple(v), AIMS[what]) for what, v in taken.items()
    ]


def _round(servers: Servers, what: str, size: int) -> float:
    """Send so many; return how many a second.

    Raises:
        BenchError: One did not arrive, or arrived twice.
    """
    with sinks() as (ports, read):
        with installed(servers, programme=PROGRAMME, more=settings_of(*ports)) as stack:
            at = datetime.now(UTC) - timedelta(minutes=1)
            if what == "mails":
                handle(stack.environ["VOUCH_DATABASE_URL"], make_contacts(size, "d", at))
            handle(stack.environ["VOUCH_DATABASE_URL"], make_plain(KINDS[what], size, "d", at))
            with stack.started(("worker", "worker", "clock")):
                ended = _all_sent(stack, size, lambda: int(read()[what]["count"]))
        found = read()[what]
    if (found["count"], found["distinct"]) != (size, size):
        raise BenchError(f"{found['count']} {what} of {size}, {found['distinct']} different ones")
    return float(size / (ended - found["first"]))


def _all_sent(stack: Stack, size: int, taken: Callable[[], int]) -> float:
    """Wait until all are sent; until the sink took them the database is not asked."""
    rows = stack.counter.rows("outbox")
    if rows != size:
        raise BenchError(f"{rows} messages were decided, not {size}")
    wait_until(lambda: taken() >= size, f"{size} taken", stack.log, seconds=SENT_SECONDS_MAX)
    wait_until(lambda: stack.found(_LEFT) == 0, f"{size} sent", stack.log, seconds=SENT_SECONDS_MAX)
    return time.time()


def settings_of(smtp: int, web: int) -> dict[str, str]:
    """Return the settings under which everything goes to the sinks."""
    secret = b64encode(secrets.token_bytes(24)).decode()
    return {
        "VOUCH_MAIL_FOLDER": "",
        "VOUCH_SMTP_URL": f"smtp://127.0.0.1:{smtp}",
        "VOUCH_SINK_URL": f"http://127.0.0.1:{web}/hook",
        "VOUCH_SINK_SECRET": f"whsec_{secret}",
        "VOUCH_ALLOWED_HOSTS": "127.0.0.1",
        "VOUCH_ALLOW_PRIVATE": "yes",
    }


@contextmanager
def sinks() -> Iterator[tuple[tuple[int, int], Callable[[], dict[str, dict[str, Any]]]]]:
    """Run both sinks; give their ports, and a function that reads what they took."""
    command = [sys.executable, "-m", "benchmarks.figures_of.sinks"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        says, hears = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        smtp, web = map(int, hears.readline().split())

        def read() -> dict[str, dict[str, Any]]:
            says.write("\n")
            says.flush()
            return cast("dict[str, dict[str, Any]]", json.loads(hears.readline()))

        try:
            yield (smtp, web), read
        finally:
            says.close()
