"""Growth: what an event costs with nothing stored, and with the rows of years.

`--size` is the stored runs of the last stage: as many contacts and timers, five times as many
events and decisions. The rounds of all stages have the same events over the queue; the rows
that they leave are counted each time. `--seconds` is about how long a round takes.
"""

from collections.abc import Sequence

from benchmarks.__main__ import measure as measured
from benchmarks.designs import Design
from benchmarks.figures import Round
from benchmarks.figures_of.report import Asked, Row
from benchmarks.grown import TABLES, grow
from benchmarks.servers import Servers, bench_servers
from benchmarks.stack import Stack, installed
from benchmarks.workload import openings

SIZE = 1_000_000
SECONDS = 4.0
STAGES = (0.0, 0.1, 1.0)
RATE = 6_000
EVENTS_MIN = 4_000
SLICES = list(range(64))
"""Named in the count of what is handled, so that it reads no more than the round's own rows."""


def measure(asked: Asked) -> list[Row]:
    """Return throughput and processor time by stored runs, and how far the last is from none."""
    events = max(EVENTS_MIN, int(asked.seconds * RATE))
    taken: list[tuple[int, list[Round]]] = []
    with bench_servers() as servers, installed(servers) as stack, stack.started():
        _round(stack, servers, events, "warm")
        stored = 0
        for part in STAGES:
            runs = int(asked.size * part)
            if runs:
                grow(stack.conn, stored, runs)
            stored = runs
            _round(stack, servers, events, f"warm{runs}")
            labels = [f"g{runs}r{number}" for number in range(asked.rounds)]
            taken.append((runs, [_round(stack, servers, events, label) for label in labels]))
        rows = {table: stack.counter.rows(table) for table in TABLES}
    print(", ".join(f"{count:,} of {table}" for table, count in rows.items()))
    return _rows(taken)


def _rows(taken: Sequence[tuple[int, Sequence[Round]]]) -> list[Row]:
    found = []
    for runs, rounds in taken:
        rates = tuple(each.rate for each in rounds)
        costs = tuple(1e6 * sum(each.cpu_seconds.values()) / each.events for each in rounds)
        found.append(Row(f"{runs:,} runs stored", "events/s", rates, at=runs))
        found.append(Row(f"{runs:,} runs stored: processor time", "us an event", costs, at=runs))
    ratios = tuple(
        100 * (last.rate / first.rate - 1)
        for first, last in zip(taken[0][1], taken[-1][1], strict=True)
    )
    dearer = 100 * (found[-1].middle / found[1].middle - 1)
    return [
        *found,
        Row("throughput, full against empty", "%", ratios, "within 10"),
        Row("processor time, full against empty", "%", (dearer,), "within 10"),
    ]


def _round(stack: Stack, servers: Servers, events: int, label: str) -> Round:
    counter, opened = stack.counter, openings(events)
    wanted = {**dict.fromkeys(("event", "decision", "run"), events), "dead": 0}
    wanted |= {"task": opened, "outbox": opened, "ledger": 2 * (events - opened)}
    counter.seen = {table: counter.rows(table) for table in wanted}
    above = stack.found("SELECT coalesce(max(seq), 0) FROM decision")
    handled = f"SELECT count(*) FROM decision WHERE slice = ANY(ARRAY{SLICES}) AND seq > {above}"  # noqa: S608
    design = Design(
        "vouch", label, "queue", events, stack.environ, stack.pids, is_idle=stack.is_idle,
        handled=lambda: stack.found(handled),
        verify=lambda count: counter.verify(wanted), log=stack.log,
    )  # fmt: skip
    return measured(design, label, dict(servers.pids), events)
