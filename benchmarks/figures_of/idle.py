"""An idle stack: statements a second, and what it costs of a core.

`--seconds` is how long it is watched; `--size` how many events it handled before. The
statements are those that Postgres counts: beginnings and ends of transactions too.
"""

import sys
import time
from datetime import UTC, datetime, timedelta

from benchmarks.figures_of.report import Asked, Row
from benchmarks.inside import handle
from benchmarks.machine import cpu_seconds
from benchmarks.servers import Servers, bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.statements import begin_counting
from benchmarks.workload import make_openings

SIZE = 1_000
SECONDS = 60.0
SETTLE_SECONDS = 5.0
_CALLS = """
SELECT calls, query FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_%' ORDER BY calls DESC
"""


def measure(asked: Asked) -> list[Row]:
    """Return statements a second and processor time, of web, two workers and clock."""
    calls, costs = [], []
    with bench_servers() as servers, installed(servers) as stack:
        at = datetime.now(UTC) - timedelta(minutes=1)
        handle(stack.environ["VOUCH_DATABASE_URL"], make_openings(asked.size, "i", at))
        with stack.started():
            time.sleep(SETTLE_SECONDS)
            for _ in range(asked.rounds):
                statements, cost = _watch(stack, servers, asked.seconds)
                calls.append(statements)
                costs.append(cost)
    return [
        Row("statements of an idle stack", "a second", tuple(calls), "at most 5"),
        Row("idle stack and servers", "% of a core", tuple(costs)),
    ]


def _watch(stack: Stack, servers: Servers, seconds: float) -> tuple[float, float]:
    pids = [pid for found in (*stack.pids.values(), *servers.pids.values()) for pid in found]
    begin_counting(stack.conn)
    before, began = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    took, spent = time.monotonic() - began, cpu_seconds(pids) - before
    rows = [(int(calls), str(query)) for calls, query in _statements(stack)]
    for count, query in rows:
        print(f"{count / took:6.2f}/s  {' '.join(query.split())[:100]}", file=sys.stderr)
    return sum(count for count, _ in rows) / took, 100 * spent / took


def _statements(stack: Stack) -> list[tuple[int, object]]:
    return stack.conn.execute(_CALLS).fetchall()
