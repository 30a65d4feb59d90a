"""Tells when each of some events' effects could first be seen: in a process of its own.

`python -m benchmarks.figures_of.watch LABEL COUNT`: asks, as fast as a short pause allows, for
the decisions of the next contacts of `make_openings(..., a_contact=1)`, in their order. What it
reads is committed, so its instants are the commit's or a little later, never earlier. Prints
READY, then a line of JSON: instants in seconds of the epoch, in the order of the events.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import islice

import psycopg

from tests.services import libpq
from workflows.state import slice_of

WINDOW = 32
"""Contacts asked for at once: more are hardly under way at the loads that are measured."""

PAUSE_SECONDS = 0.0005
SILENT_SECONDS_MAX = 60

_SEEN = """
SELECT u.number FROM unnest(%s::int[], %s::int[], %s::text[]) u(number, slice, actor)
WHERE EXISTS (SELECT FROM decision d WHERE d.slice = u.slice AND d.actor = u.actor)
"""


def actors(label: str, count: int) -> list[str]:
    """Return the actors of so many events of the label, in order."""
    return [f"contact/c-{label}-{number}" for number in range(count)]


def watch(conn: psycopg.Connection[tuple[int]], wanted: Sequence[str]) -> list[float]:
    """Return when each was first seen; stops early when nothing comes for a minute."""
    seen: dict[int, float] = {}
    unseen = dict(enumerate(wanted))
    last = time.monotonic()
    while unseen and time.monotonic() - last < SILENT_SECONDS_MAX:
        numbers = list(islice(unseen, WINDOW))
        names = [unseen[number] for number in numbers]
        found = conn.execute(_SEEN, [numbers, [slice_of(name) for name in names], names]).fetchall()
        now = time.time()
        for (number,) in found:
            seen[number] = now
            del unseen[number]
            last = time.monotonic()
        time.sleep(PAUSE_SECONDS)
    return [seen[number] for number in sorted(seen)]


def main(label: str, count: str) -> None:
    """Watch one round."""
    with psycopg.connect(libpq(os.environ["VOUCH_DATABASE_URL"]), autocommit=True) as conn:
        conn.prepare_threshold = 0
        conn.execute("SET plan_cache_mode = force_generic_plan")
        conn.execute("SET enable_seqscan = off")  # a plan made while the table was empty
        print("READY", flush=True)
        print(json.dumps(watch(conn, actors(label, int(count)))), flush=True)


if __name__ == "__main__":
    main(*islice(sys.argv, 1, None))
