"""`python -m benchmarks.peers`: Vouch beside what a user would pick instead, in one run.

Each design is started for its round, warmed up, measured and stopped, one after the other, so
that no peer's idle polling costs another. They take turns, round by round.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import designs
from benchmarks.__main__ import WARM_EVENTS, measure
from benchmarks.designs import Design
from benchmarks.figures import Figure, Round, summary, times
from benchmarks.machine import described
from benchmarks.peers import environment
from benchmarks.peers.designs import PEERS, Peer, running_peer
from benchmarks.processes import CHECKOUT
from benchmarks.servers import Servers, bench_servers
from benchmarks.tables import markdown
from events.errors import VouchError

OURS = ("http", "queue")
OUR_RATE = 6_000
EVENTS_MIN = 200
WARM_PART = 8
"""A warm-up publishes so much less than a round."""

Started = Callable[[], AbstractContextManager[Design]]


def able(wanted: Sequence[str], folder: Path) -> tuple[Path, list[Peer]]:
    """Return the peers' interpreter and the peers that can run; say why of the others."""
    python = environment.python_of(folder)
    peers = [peer for peer in PEERS if not wanted or peer.key in wanted]
    lacking = environment.missing(python, {peer.needs for peer in peers})
    found = []
    for peer in peers:
        if peer.needs in lacking:
            print(f"skipped: {peer.name} could not be installed here", file=sys.stderr)
        elif peer.key == "restate" and not environment.restate_server(folder):
            print("skipped: Restate, whose server is not here, nor npm to get it", file=sys.stderr)
        else:
            found.append(peer)
    return python, found


@contextmanager
def _ours(servers: Servers, key: str, events: int) -> Iterator[Design]:
    servers.emptied(2)
    place = (servers.postgres, servers.valkey, servers.folder)
    with designs.vouch(*place, events) as found:
        yield next(design for design in found if design.key == key)


def bench(rounds: int, seconds: float, wanted: Sequence[str], folder: Path) -> list[Figure]:
    """Return the figures of ours and of the peers; who fails is left out, with a line."""
    python, peers = able(wanted, folder)
    with bench_servers() as servers:
        starts: dict[str, tuple[str, Started, int]] = {}
        for key in OURS:
            count = max(EVENTS_MIN, int(seconds * OUR_RATE))
            starts[key] = (f"vouch, {key}", lambda k=key, n=count: _ours(servers, k, n), count)  # type: ignore[misc]
        for peer in peers:
            count = max(EVENTS_MIN, int(seconds * peer.rate))
            starts[peer.key] = (
                peer.name,
                lambda p=peer, n=count: running_peer(p, servers, folder, python, n),  # type: ignore[misc]
                count,
            )
        taken: dict[str, list[Round]] = {key: [] for key in starts}
        for number in range(rounds):
            for key, (name, start, count) in starts.items():
                if key not in taken:
                    continue
                try:
                    found = _round(start, f"{key}{number}", servers, count)
                except VouchError as error:
                    print(f"skipped: {name}: {error}\n{error.hint}", file=sys.stderr)
                    del taken[key]
                    continue
                print(f"{key:14} {found.rate:8,.0f} events/s", file=sys.stderr, flush=True)
                taken[key].append(found)
        return [Figure(key, starts[key][0], tuple(found)) for key, found in taken.items()]


def _round(start: Started, label: str, servers: Servers, count: int) -> Round:
    with start() as design:
        shared = dict(servers.pids)
        least = WARM_EVENTS if design.key in OURS else EVENTS_MIN
        measure(design, f"{label}w", shared, max(least, count // WARM_PART))
        return measure(design, label, shared, count)


def table(figures: Sequence[Figure]) -> str:
    """Return a row a design: its events a second, how many times as many ours are, its costs."""
    ours = [figure for figure in figures if figure.key in OURS]
    heads = ["", "events/s", "min to max"]
    heads += [f"{figure.name}: times (min to max)" for figure in ours]
    return markdown([*heads, "MiB", "CPU us an event"], [_row(f, ours) for f in figures])


def _row(figure: Figure, ours: Sequence[Figure]) -> list[str]:
    least, middle, most = figure.rates
    cpu = figure.cpu_microseconds()
    compared = [times(each, figure) for each in ours]
    return [
        figure.name,
        f"{middle:,.0f}",
        f"{least:,.0f} to {most:,.0f}",
        *(f"{median:.1f} ({low:.1f} to {high:.1f})" for low, median, high in compared),
        f"{figure.memory_mib:.0f}",
        f"{sum(cpu.values()):.0f}: " + ", ".join(f"{k} {v:.0f}" for k, v in cpu.items()),
    ]


def main(arguments: list[str]) -> int:
    """Run the comparison; print a table for people and a line of JSON for machines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of each design")
    parser.add_argument("--seconds", type=float, default=6, help="about so long a round takes")
    parser.add_argument("--only", nargs="*", default=(), help="some of the peers, by key")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / ".bench", help="of their venv")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1 or chosen.seconds <= 0:
        parser.error("at least one round, of more than no time")
    figures = bench(chosen.rounds, chosen.seconds, chosen.only, chosen.folder)
    print(f"{described()}; {designs.WORKERS} worker processes each of ours\n\n{table(figures)}\n")
    ours = [figure for figure in figures if figure.key in OURS]
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": described(),
        "designs": summary(figures, figures),
        "ours": [figure.key for figure in ours],
    }
    print(json.dumps(found))
    return 0 if len(ours) == len(OURS) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
