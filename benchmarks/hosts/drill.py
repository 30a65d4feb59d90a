"""One drill on several hosts: web, two workers, clock, Postgres and Valkey, each on its own.

It runs on a host itself, the operator's, where mails and calls arrive too.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from benchmarks.chaos.drill import LEASE_SECONDS, Plan, Site, Told, play, settings
from benchmarks.chaos.faults import Fault, Havoc
from benchmarks.chaos.sinks import sinks
from benchmarks.hosts.network import Network
from benchmarks.processes import STOP_SECONDS_MAX, BenchError, last_words
from tests.processes import free_port

WIRES_SECONDS_MAX = 120
LOOK_SECONDS = 0.2
OPERATOR = "operator"
PROCESSES = ("web", "worker-1", "worker-2", "clock")
SERVERS = ("postgres", "valkey")
HOSTS = (OPERATOR, *PROCESSES, *SERVERS)


def drill(folder: Path, network: Network, plan: Plan) -> Told:
    """Run one drill on the network's hosts; the folder keeps data and logs.

    Raises:
        BenchError: Something never settled; the hint has the processes' last words.
    """
    log = folder / "vouch.log"
    with ExitStack() as held:
        database, queue = (held.enter_context(_serving(network, kind, folder)) for kind in SERVERS)
        found = held.enter_context(sinks(plan.seed, network.address(OPERATOR)))
        web = (network.address("web"), free_port())
        environ = settings(database, queue, found, web)
        quiet = partial(_wait_for_wires, network, found.smtp_port)
        site = Site(environ, found, log, web, network.on, quiet)
        havoc = Havoc(all_faults(network), seed=plan.seed, every_seconds=plan.every)
        return play(site, PROCESSES, lambda _stack: havoc, plan)


def all_faults(network: Network) -> list[Fault]:
    """Return everything that can go wrong between hosts.

    A wire is out for a moment, or for longer than a lease lasts. Where only answers are lost,
    what was asked for is done, and nobody hears of it.
    """
    found, lease = [], LEASE_SECONDS
    for host in (*PROCESSES, *SERVERS):
        out, back = partial(network.unplug, host), partial(network.plug, host)
        found += [
            Fault(f"unplug {host}", f"wire {host}", out, back, (0.3, 1.5)),
            Fault(f"unplug {host} for long", f"wire {host}", out, back, (lease + 1, lease + 2)),
        ]
    for process in PROCESSES:
        for server in (*SERVERS, OPERATOR):
            lose = partial(network.silence, server, process)
            heal = partial(network.unsilence, server, process)
            name = f"{server} to {process}"
            found.append(Fault(f"silence {name}", name, lose, heal, (0.3, lease + 1)))
    return found


def _wait_for_wires(network: Network, port: int) -> None:
    """Wait until no host has bytes for the mail server that were not taken.

    What a cut wire kept leaves when it is healed, seconds later, even after whoever sent it has
    given up. An operator who looks into the mail server's log before that sees too little.
    """
    deadline = time.monotonic() + WIRES_SECONDS_MAX
    while any(network.unsent(host, port) for host in PROCESSES):
        if time.monotonic() > deadline:
            raise BenchError("the wires do not become empty", hint="is one still cut?")
        time.sleep(LOOK_SECONDS)


@contextmanager
def _serving(network: Network, kind: str, folder: Path) -> Iterator[str]:
    """Run a server on its host and give its address."""
    log = folder / f"{kind}.log"
    arguments = ["-m", "benchmarks.hosts.server", kind, str(folder / kind), network.address(kind)]
    with log.open("ab") as words:
        process = subprocess.Popen(
            [*network.on(kind), sys.executable, *arguments],
            env=os.environ.copy(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        )
    try:
        address = cast("IO[str]", process.stdout).readline().strip()
        if not address:
            raise BenchError(f"{kind} did not start on its host", hint=last_words(log))
        yield address
    finally:
        process.communicate(timeout=STOP_SECONDS_MAX)
