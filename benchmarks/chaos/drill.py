"""One drill: start everything, publish, break, heal, settle, count."""

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis

from benchmarks.chaos.count import PROGRAMME, Line, compare, expected
from benchmarks.chaos.faults import Havoc, all_faults
from benchmarks.chaos.servers import Postgres, Valkey
from benchmarks.chaos.sinks import Sinks, sinks
from benchmarks.chaos.stack import Stack
from benchmarks.chaos.traffic import AGAIN_SECONDS, SOURCE, Traffic, introductions, make_events
from benchmarks.processes import BenchError, last_words, run
from tests.processes import free_port
from tests.services import libpq
from workers import operators
from workers.channels.base import digest
from workers.compose import Process, open_process
from workers.settings import Settings

PROCESSES = ("web", "worker-1", "worker-2", "worker-3", "clock-1", "clock-2")
LEASE_SECONDS = 5
SETTLE_SECONDS_MAX = 600
STEP_SECONDS = 0.05
LOOK_SECONDS = 1.0


@dataclass
class Told:
    """What a drill found."""

    lines: list[Line]
    faults: dict[str, int]
    restarts: dict[str, int]
    publishing: dict[str, int]
    doubts: dict[str, int]
    exit_codes: list[int] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether every count is what it must be, and every process ended politely."""
        return all(line.is_right for line in self.lines) and not any(self.exit_codes)


def drill(folder: Path, *, events: int, seed: int, seconds: float, every: float) -> Told:
    """Run one drill.

    Args:
        folder: Keeps data and logs.
        events: How many are published.
        seed: Draws events and faults; how processes interleave is the machine's.
        seconds: How long publishing takes.
        every: How far apart two faults begin, on average, in seconds.

    Raises:
        BenchError: Something never settled; the hint has the processes' last words.
    """
    log = folder / "vouch.log"
    with ExitStack() as held:
        postgres = held.enter_context(Postgres(folder / "postgres"))
        valkey = held.enter_context(Valkey(folder / "valkey"))
        found = held.enter_context(sinks(seed))
        port = free_port()
        environ = _environ(postgres.address, valkey.address, found, port)
        for command in (["migrate"], ["apply", str(PROGRAMME)]):
            run(["workers.main", *command], environ)
        key = run(["workers.main", "keys", "add", SOURCE, "--source", SOURCE], environ).strip()
        now = datetime.now(UTC)
        known, made = introductions(now), make_events(events, seed=seed, now=now)
        with Stack(PROCESSES, environ, log) as stack:
            faults = all_faults(stack, postgres, valkey, found, lease=LEASE_SECONDS)
            havoc = Havoc(faults, seed=seed, every_seconds=every)
            for part, over in ((known, 0.0), (made, seconds)):
                traffic = Traffic(part, seed=seed, seconds=over)
                traffic.start("127.0.0.1", port, key, valkey.address)
                while part is made and not traffic.is_done:
                    havoc.step()
                    time.sleep(STEP_SECONDS)
                havoc.heal()
                _until(lambda: traffic.is_done, "everything is published", log)  # noqa: B023
                traffic.end()
                time.sleep(LEASE_SECONDS + 1 if part is made else 0)  # who was frozen has noticed
                settle = Settling(environ, traffic, found, log)
                settle.all()
            restarts = {each.name: each.restarts for each in stack.processes}
        published = [*known, *made]
        lines = compare(expected(published, now), postgres.address, found, published)
    tally = traffic.tally
    told = {"posted": tally.posted, **tally.answers, "queued": tally.queued,
            "queued again": tally.queued_again}  # fmt: skip
    doubts = {"sent": settle.sent, "not sent": settle.not_sent}
    return Told(lines, dict(havoc.done), restarts, told, doubts, stack.exit_codes)


def _environ(database: str, queue: str, found: Sinks, port: int) -> dict[str, str]:
    return {
        "VOUCH_DATABASE_URL": database,
        "VOUCH_REDIS_URL": queue,
        "VOUCH_SECRET_KEYS": secrets.token_urlsafe(32),
        "VOUCH_SMTP_URL": f"smtp://127.0.0.1:{found.smtp_port}?timeout=2",
        "VOUCH_MAIL_FROM": "chaos@chaos.example",
        "VOUCH_BIND": f"127.0.0.1:{port}",
        "VOUCH_LEASE_SECONDS": str(LEASE_SECONDS),
        "VOUCH_ALLOWED_HOSTS": "127.0.0.1",
        "VOUCH_ALLOW_PRIVATE": "yes",
        "CHAOS_HOOK_URL": f"http://127.0.0.1:{found.http_port}/hook",
        "CHAOS_HOOK_SECRET": "whsec_" + "Y2hhb3MtY2hhb3MtY2hhb3MtY2hhb3M=",
    }


def _until(ready: Callable[[], bool], what: str, log: Path) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while not ready():
        if time.monotonic() > deadline:
            raise BenchError(f"not within {SETTLE_SECONDS_MAX} s: {what}", hint=last_words(log))
        time.sleep(STEP_SECONDS)


class Settling:
    """What an operator does when all is well again: wait, look into the mail server's log.

    Attributes:
        sent: Messages in doubt that the mail server had.
        not_sent: Those that it had not.
    """

    def __init__(self, environ: dict[str, str], traffic: Traffic, found: Sinks, log: Path) -> None:
        self._environ, self._traffic, self._sinks, self._log = environ, traffic, found, log
        self.sent = self.not_sent = 0
        self._sent_again_at = 0.0

    def all(self) -> None:
        """Wait until nothing is left to do.

        Raises:
            BenchError: Something is left.
        """
        process = open_process(Settings.from_env(self._environ))
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        try:
            while left := self._left(process):
                if time.monotonic() > deadline:
                    raise BenchError(f"left behind: {left}", hint=last_words(self._log))
                time.sleep(LOOK_SECONDS)
        finally:
            process.close()

    def _left(self, process: Process) -> str:
        self._doubts(process)
        with psycopg.connect(libpq(self._environ["VOUCH_DATABASE_URL"]), autocommit=True) as conn:
            # What was put off for an hour, because the mail server was away, may leave now: the
            # drill does not wait for the hour.
            conn.execute(_SOONER)
            counts = {what: conn.execute(query).fetchone() for what, query in _LEFT.items()}
        found = {what: int(row[0]) for what, row in counts.items() if row and row[0]}
        with redis.Redis.from_url(self._environ["VOUCH_REDIS_URL"]) as client:
            if waiting := int(client.hlen("dramatiq:events.msgs")):
                found["queue"] = waiting
        if not found and time.monotonic() > self._sent_again_at:
            self._sent_again_at = time.monotonic() + AGAIN_SECONDS
            again = self._traffic.repair(
                self._environ["VOUCH_REDIS_URL"], self._environ["VOUCH_DATABASE_URL"]
            )
            if again:
                found["missing"] = again
        return ", ".join(f"{number} {what}" for what, number in found.items())

    def _doubts(self, process: Process) -> None:
        with psycopg.connect(libpq(self._environ["VOUCH_DATABASE_URL"])) as conn:
            query = "SELECT key FROM outbox WHERE status = 'in_doubt' AND channel = 'email'"
            keys = [row[0] for row in conn.execute(query).fetchall()]
        for key in keys:
            sent = digest(key) in self._sinks.mails
            operators.resolve(process.app, key, sent=sent, by="chaos")
            if sent:
                self.sent += 1
            else:
                self.not_sent += 1


_SOONER = """
UPDATE outbox SET due_at = now() WHERE (slice, key) IN (
  SELECT slice, key FROM outbox WHERE status = 'pending' AND due_at > now() + interval '2 s'
  FOR UPDATE SKIP LOCKED
)
"""
_LEFT = {
    "inputs": "SELECT count(*) FROM inbox",
    "messages": "SELECT count(*) FROM outbox WHERE status IN ('pending', 'sending', 'in_doubt')",
    "timers": "SELECT count(*) FROM timer WHERE due_at < now() + interval '1 hour'",
}
