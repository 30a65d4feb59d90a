"""Timers: what a million pending ones cost an idle stack, and how late ten thousand fire.

`--size` is how many are pending, a hundredth of it how many come due within one second;
`--seconds` how long the idle stack is watched.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures_of.report import Asked, Row
from benchmarks.inside import handle
from benchmarks.machine import cpu_seconds
from benchmarks.processes import BenchError, wait_until
from benchmarks.servers import Servers, bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.workload import make_plain

SIZE = 1_000_000
SECONDS = 30.0
DUE_PART = 100
PROGRAMME = Path(__file__).with_name("programme")
WAIT = timedelta(minutes=10)
"""What the programme's workflow waits."""

LEAD = timedelta(seconds=60)
HANDLED_A_SECOND = 200
"""So many runs a second are started at least before their timers come due."""

SETTLE_SECONDS = 5.0
FIRED_SECONDS_MAX = 300

_PENDING = """
INSERT INTO timer (slice, key, actor, due_at, name, kind, run, subject)
SELECT n %% 64, 'far-' || n, 'contact/far-' || n, now() + interval '30 days' + n * interval '1 s',
       'wait', 'wait', '', ''
FROM generate_series(1, %s) n
"""
_UNFIRED = "SELECT count(*) FROM timer WHERE due_at < now() + interval '1 day'"


def measure(asked: Asked) -> list[Row]:
    """Return what pending timers cost, and how late many at once fire."""
    idle, pending, late = [], [], []
    due = max(1, asked.size // DUE_PART)
    with bench_servers() as servers:
        for _ in range(asked.rounds):
            with installed(servers, programme=PROGRAMME) as stack:
                with stack.started():
                    time.sleep(SETTLE_SECONDS)
                    idle.append(_cost(stack, servers, asked.seconds))
                stack.conn.execute(_PENDING, [asked.size])
                stack.conn.execute("VACUUM ANALYZE timer")
                last = _start_runs(stack, due)
                with stack.started():
                    late.append(_last_fired(stack, due, last))
                    time.sleep(SETTLE_SECONDS)
                    pending.append(_cost(stack, servers, asked.seconds))
    more = tuple(after - before for before, after in zip(idle, pending, strict=True))
    million = f"{asked.size:,} pending"
    fired = f"{due:,} due in one second, until the last has fired"
    return [
        Row("nothing pending, whole stack and servers", "% of a core", tuple(idle)),
        Row(f"{million}, whole stack and servers", "% of a core", tuple(pending)),
        Row(f"{million}, what that adds", "% of a core", more, "below 1"),
        Row(fired, "s", tuple(late), "within 2"),
    ]


def _start_runs(stack: Stack, due: int) -> datetime:
    """Start runs whose timers come due within one second from now on; return when the last."""
    first = datetime.now(UTC) + LEAD + timedelta(seconds=due / HANDLED_A_SECOND)
    apart = timedelta(seconds=1) / due
    events = make_plain("problem.solved", due, "t", first - WAIT)
    for number, event in enumerate(events):
        event["time"] = (first - WAIT + number * apart).isoformat()
    handle(stack.environ["VOUCH_DATABASE_URL"], events)
    return first + (due - 1) * apart


def _last_fired(stack: Stack, due: int, last: datetime) -> float:
    """Return the seconds from the beginning of that second to the last timer's commit.

    Raises:
        BenchError: They came due before everything stood, or some did not fire.
    """
    if datetime.now(UTC) > last - timedelta(seconds=1):
        raise BenchError(
            "the timers came due before the processes stood",
            hint="the machine is busy: wait, or choose a smaller --size",
        )
    time.sleep((last - datetime.now(UTC)).total_seconds())
    wait_until(
        lambda: stack.found(_UNFIRED) == 0, "timers fired", stack.log, seconds=FIRED_SECONDS_MAX
    )
    seconds = (datetime.now(UTC) - last).total_seconds() + 1
    fired = stack.found("SELECT count(*) FROM run WHERE ended_as = 'fired'")
    if fired != due:
        raise BenchError(f"{fired} of {due} runs went on")
    return seconds


def _cost(stack: Stack, servers: Servers, seconds: float) -> float:
    pids = [pid for found in (*stack.pids.values(), *servers.pids.values()) for pid in found]
    before = cpu_seconds(pids)
    time.sleep(seconds)
    return 100 * (cpu_seconds(pids) - before) / seconds
