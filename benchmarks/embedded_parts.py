"""Where the time goes on SQLite: `vouch simulate` of the demo's year, and sending to sinks.

`python -m benchmarks.embedded_parts [--events N] [--messages N] [--rounds N] [--profile FILE]`

Processor time of this process, the least of the rounds: what else runs on the machine hardly
changes it. A part counts what it does itself, without the parts within it.
"""

import argparse
import cProfile
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, cast

from benchmarks.figures_of.delivery import PROGRAMME
from benchmarks.parts import Meter
from benchmarks.processes import CHECKOUT
from benchmarks.workload import batches, make_contacts, make_plain
from store.db import Store
from workers import judging, trial
from workers.app import App
from workers.calling import Calls
from workers.channels.calls import HttpCaller
from workers.channels.email import EmailChannel
from workers.channels.outbound import Outbound
from workers.clock import SystemClock
from workers.delivering import Deliverer
from workers.demo.run import LIBRARY, YEAR_FILE
from workers.draining import Drainer
from workers.intake import Intake
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.scenarios.simulate import simulate
from workers.sending import Sender
from workers.tokens import Tokens
from workflows.load import load_folder, load_programme

_PLACES = (
    (Intake, "accept", "intake"),
    (Drainer, "drain", "drain"),
    (trial, "glance", "look"),
    (App, "next_due", "look"),
    (Deliverer, "_claim", "claim"),
    (judging, "guard", "guard"),
    (judging, "parcel", "words"),
    (Sender, "_one", "send"),
    (Sender, "send", "record"),
    (Calls, "_one", "send"),
    (Calls, "make", "record"),
)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what deliver and a trial do, by part."""
    meter = Meter(0)
    before = [(where, name, vars(where)[name]) for where, name, _ in _PLACES]
    for where, name, part in _PLACES:
        setattr(where, name, meter.wrapped(vars(where)[name], part))
    try:
        yield meter
    finally:
        for where, name, function in before:
            setattr(where, name, function)


def simulated(events: int) -> dict[str, float]:
    """Return us an event by part, of the first events of the demo's year."""
    lines = YEAR_FILE.read_bytes().splitlines()[:events]
    loaded = load_programme(load_folder(LIBRARY))
    with metered() as meter, meter.part("rest"):
        simulate(loaded, lines)
    return {part: 1e6 * spent / len(lines) for part, spent in meter.spent.items()}


def sent(kind: str, messages: int) -> dict[str, float]:
    """Return us a message by part, and how many a second one thread sends."""
    with _sinks() as (smtp, web), tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/vouch.db")
        store.migrate()
        now = datetime.now(UTC)
        apply_loaded(store, load_programme(load_folder(PROGRAMME)), now=now, by="bench")
        desk = Desk(Tokens([b"bench" * 8]), "http://localhost", "bench@bench.example")
        mail = EmailChannel(f"smtp://127.0.0.1:{smtp}", domain="bench.example")
        tokens = iter(range(messages + 2))
        app = App(store, SystemClock(), desk, {"email": mail}, token=lambda: f"t{next(tokens)}")
        app.deliverer.calls.caller = HttpCaller(
            Outbound(["127.0.0.1"], allow_private=True),
            {"VOUCH_SINK_URL": f"http://127.0.0.1:{web}/hook",
             "VOUCH_SINK_SECRET": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        )  # fmt: skip
        at = now - timedelta(minutes=1)
        made = make_contacts(messages, "d", at) if kind == "favour.granted" else []
        for batch in batches([*made, *make_plain(kind, messages, "d", at)], 500):
            app.publish(batch)
            while app.drain().inputs:
                pass
        with metered() as meter:
            began = time.monotonic()
            with meter.part("rest"):
                handled = app.deliverer.deliver()
            took = time.monotonic() - began
        store.close()
    parts = {part: 1e6 * spent / handled for part, spent in meter.spent.items()}
    return parts | {"(a second)": handled / took}


@contextmanager
def _sinks() -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-m", "benchmarks.figures_of.sinks"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        smtp, web = map(int, cast("IO[str]", process.stdout).readline().split())
        try:
            yield smtp, web
        finally:
            cast("IO[str]", process.stdin).close()


def _show(title: str, rounds: Sequence[dict[str, float]]) -> None:
    best = min(rounds, key=lambda each: sum(v for part, v in each.items() if part[0] != "("))
    print(title)
    for part, value in best.items():
        print(f"  {part:12} {value:9.1f}")
    print(f"  {'together':12} {sum(v for part, v in best.items() if part[0] != '('):9.1f}")


def main(arguments: list[str]) -> int:
    """Print the parts, us each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedded_parts")
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", help="write a profile of one more simulation to this file")
    chosen = parser.parse_args(arguments)
    _show("simulate, an event", [simulated(chosen.events) for _ in range(chosen.rounds)])
    for title, kind in (("a mail", "favour.granted"), ("a call", "compliment.given")):
        _show(title, [sent(kind, chosen.messages) for _ in range(chosen.rounds)])
    if chosen.profile:
        profile = cProfile.Profile()
        profile.runcall(simulated, chosen.events)
        profile.dump_stats(chosen.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
