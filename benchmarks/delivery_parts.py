"""Where the time of a mail and of a call goes: one process delivers what was decided before.

`python -m benchmarks.delivery_parts [--size N] [--rounds N] [--profile FILE]`

Processor time of this process and of Postgres, in us a message, with the sinks of
`benchmarks.figures_of.delivery` in a process of their own. Nothing of Redis and dramatiq.
"""

import argparse
import cProfile
import gc
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from benchmarks.figures_of.delivery import KINDS, PROGRAMME, settings_of, sinks
from benchmarks.inside import handle, set_up
from benchmarks.machine import cpu_seconds
from benchmarks.processes import BenchError
from benchmarks.servers import Servers, bench_servers
from benchmarks.workload import make_contacts, make_plain
from tests.services import new_database
from workers.compose import open_process
from workers.settings import Settings

PARTS = ("ours", "postgres")


def measure(
    servers: Servers, what: str, size: int, profile: cProfile.Profile | None = None
) -> dict[str, float]:
    """Send so many; return us a message by part.

    Raises:
        BenchError: One did not arrive, or arrived twice.
    """
    at = datetime.now(UTC) - timedelta(minutes=1)
    with new_database(servers.postgres, "delivery_parts") as database, sinks() as (ports, read):
        set_up(database, PROGRAMME)
        if what == "mails":
            handle(database, make_contacts(size, "d", at))
        handle(database, make_plain(KINDS[what], size, "d", at))
        environ = {"VOUCH_DATABASE_URL": database, "VOUCH_SECRET_KEYS": "k" * 32}
        os.environ.update(settings_of(*ports))  # where endpoints look for their secrets
        process = open_process(Settings.from_env({**os.environ, **environ}))
        try:
            process.app.programmes.current()
            gc.collect()
            gc.freeze()
            before, began = cpu_seconds(servers.pids["postgres"]), time.process_time()
            if profile is not None:
                profile.enable()
            process.app.deliver()
            if profile is not None:
                profile.disable()
            spent = time.process_time() - began
            of_postgres = cpu_seconds(servers.pids["postgres"]) - before
        finally:
            process.close()
        found = read()[what]
    if (found["count"], found["distinct"]) != (size, size):
        raise BenchError(f"{found['count']} {what} of {size}, {found['distinct']} different ones")
    return {"ours": 1e6 * spent / size, "postgres": 1e6 * of_postgres / size}


def main(arguments: Sequence[str]) -> int:
    """Print the parts: the median of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery_parts")
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(KINDS), help="mails, or calls")
    parser.add_argument("--profile", help="write a profile of one more round of it to this file")
    chosen = parser.parse_args(arguments)
    gc.set_threshold(50_000)
    with bench_servers() as servers:
        for what in [chosen.only] if chosen.only else KINDS:
            found = [measure(servers, what, chosen.size) for _ in range(chosen.rounds)]
            for part in PARTS:
                values = [each[part] for each in found]
                print(
                    f"{what} {part:10} {median(values):7.0f}  ({min(values):.0f} to"
                    f" {max(values):.0f}) us each"
                )
            if chosen.profile:
                profile = cProfile.Profile()
                measure(servers, what, chosen.size, profile)
                profile.dump_stats(chosen.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
