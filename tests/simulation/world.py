"""One run of a seed: a company's events, processes that share a database, and what breaks.

Nothing here reads a clock or draws but from the seed, so that a seed and a commit give the
same run, to the byte of its trace.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import local
from typing import Any, cast

import sqlalchemy as sa

from store import drain as drains
from store import outbox_record
from store.tables import OutboxRow
from tests.simulation.baton import BatonCondition, Job, KilledError, Note
from tests.simulation.company import Batch
from tests.simulation.hands import Hands
from tests.simulation.network import UnreliableBell, UnreliableChannel
from tests.simulation.outward import Outside
from tests.simulation.programmes import Version
from tests.simulation.shapes import shape_of
from tests.simulation.stage import OfItsThread, SkewedClock, Stage
from tests.simulation.taps import tapped
from workers.app import App
from workers.clock import VirtualClock
from workers.keeping import Keeper
from workers.letters import Desk
from workers.programmes import apply_loaded
from workers.shared_lock import SharedLock
from workers.tokens import Tokens
from workflows.steps.calling import is_call
from workflows.syncs import is_sync

ROUNDS_MAX = 60_000
"""Turns of a whole run; more means that it goes round in a circle."""
HEALING_MAX = 25
"""Rounds of six minutes in which a healed world must come to rest."""
WORKERS = ("worker-1", "worker-2", "worker-3")
CLOCKS = ("clock-1", "clock-2")
SWEEP = timedelta(seconds=2)
_LEASES = sa.select(OutboxRow.leased_until).where(OutboxRow.status == "sending")  # type: ignore[call-overload]
_DOUBTS = sa.select(OutboxRow.key).where(OutboxRow.status == "in_doubt").limit(1)  # type: ignore[call-overload]
KEY = b"a key for simulations only: no link of it leaves"


class StuckError(AssertionError):
    """Something that ought to happen never does."""


@dataclass(slots=True)
class World(Stage):
    """A stage on which a seed is played, to its end."""

    hands: Hands = field(init=False)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.company.start)
        self.random = self.faults.random
        self.store.watch(self)
        self.poison = self.company.poison
        self.hands = Hands(self.seed)
        self.outside = Outside(self)

    # -- the run ----------------------------------------------------------------------------------

    def run(self) -> "World":
        """Play everything, heal the world, and wait until all is quiet."""
        with tapped(self):
            self._apply(self.versions[0])
            for process in ("web", *WORKERS, *CLOCKS, "operator"):
                self._boot(process)
            try:
                self._play()
                self._heal()
            finally:
                for job in self.jobs:  # of a world that is stuck
                    self._end(job)
        return self

    def _play(self) -> None:
        for _ in range(ROUNDS_MAX):
            if not self._turn():
                return
        raise StuckError(f"{ROUNDS_MAX} turns, and still at {self.clock.now()}")

    def _turn(self) -> bool:
        """Do one thing: wake a job, begin one, or let time pass; False at the end."""
        draw = self.random
        choices: list[Any] = [job for job in self.jobs if not job.done]
        if self.nudges and not self._is_backlogged():
            choices += [name for name in WORKERS if self._is_free(name)]
        if self.clock.now() >= self.company.change_at:
            self._change_programme()
        if self.company.is_due(self.clock.now()) and self._is_free("web"):
            choices.append("web")
        if choices:
            chosen = choices[draw.randrange(len(choices))]
            self._wake(chosen) if isinstance(chosen, Job) else self._begin(chosen)
            self._misfortune()
            if self.hands.are_due() and self._is_free("operator"):
                self._operate()
            return True
        return self._wait()

    def _begin(self, process: str) -> None:
        app = self.apps[process]
        if process == "web":
            self._start(process, "publish", lambda: self._publish(app))
            return
        what, slices = self.nudges.pop(self.random.randrange(len(self.nudges)))
        if what == "drain":
            self._start(process, f"drain {slices}", lambda: app.drain(list(slices)))
        else:
            self._start(process, "deliver", app.deliver)

    def _publish(self, app: App) -> None:
        batch = self.company.take(self._peek, self.clock.now())
        try:
            verdicts = app.publish(batch.events)
        except BaseException:  # whatever it was: no answer, so the publisher sends again
            self.company.again(batch, self.clock.now())
            raise
        self.company.done()
        self._acknowledge(batch, verdicts)

    def _acknowledge(self, batch: Batch, verdicts: Iterable[Any]) -> None:
        for event, verdict in zip(batch.events, verdicts, strict=True):
            known = self.acknowledged.get(event["id"])
            if known is None or verdict.status == "accepted":
                self.acknowledged[event["id"]] = verdict.status
            self.tell(f"verdict {event['id']} {verdict.status} {verdict.reason}")

    def _start(self, process: str, name: str, work: Any) -> None:
        job = Job(name, process, work)
        self.jobs.append(job)
        self._wake(job)

    def _wake(self, job: Job) -> None:
        self.tell(f"{job.process} {job.name} {job.where}")
        self._running, self.used = job, job.used
        job.resume()
        self._running = None
        if job.done:
            self.jobs.remove(job)
            self._judge(job)

    def _judge(self, job: Job) -> None:
        """Read why a job ended; a killed one takes its process with it."""
        error = job.error
        if isinstance(error, KilledError):
            self._kill(job.process)
        elif error is not None and "injected" not in f"{error} {error.__cause__}":
            self.unexpected.append(f"{job.name} of {job.process}: {error!r}")
        if error is not None:
            self.tell(f"{job.process} {job.name} ended by {type(error).__name__}")

    def _kill(self, process: str) -> None:
        """End a process at once, with everything it was doing, and boot another in its place."""
        self.deaths += 1
        self.tell(f"{process} is killed")
        for job in [each for each in self.jobs if each.process == process]:
            self.jobs.remove(job)
            self._end(job)
        self._boot(process)

    def _end(self, job: Job) -> None:
        job.doomed = True
        self._running = job
        job.resume()
        self._running = None

    def _boot(self, process: str) -> None:
        clock = self.clocks.setdefault(process, SkewedClock(self.clock))
        repeatable = bool(self.seed % 5 == 0)
        channels = {
            name: UnreliableChannel(self, name, repeatable=repeatable) for name in ("email", "sms")
        }
        desk = Desk(Tokens([KEY]), "https://vouch.example", "vouch@vouch.example")
        app = App(self.store, clock, desk, channels, token=self._token)
        app.bell = UnreliableBell(self)
        app.share(SharedLock(BatonCondition(self._give_way)))
        app.keeper = Keeper(self.store, clock, shape_of(self.seed).keeps)
        if shape_of(self.seed).is_wide:
            app.deliverer.calls.caller = app.deliverer.syncs.targets = self.outside
        breakers = app.deliverer.breakers
        breakers._timer = self.seconds  # noqa: SLF001 - the only real clock there
        breakers._threads = cast("local", OfItsThread(self))  # noqa: SLF001 - a job is one
        self.apps[process] = app

    def _token(self) -> str:
        self._tokens += 1
        return f"token-{self._tokens}"

    # -- time, and what goes wrong without anybody's doing ----------------------------------------

    def _wait(self) -> bool:
        """Nobody has anything to do: go to the next moment at which somebody has, and look."""
        now = self.clock.now()
        if self._last_sweep is None or now - self._last_sweep >= SWEEP:
            self._sweep()
            return True
        due = self._busy_until if self._is_backlogged() else self._next_due()
        moments = [at for at in (self.company.next_at, due) if at is not None]
        ahead = [at for at in moments if at > now - SWEEP]
        if self.company.is_over and (not ahead or min(ahead) > self.company.end):
            return False
        # What ought to be done and is not, for minutes: look less and less often.
        stuck = len(self.log) == self._seen
        self._idle, self._seen = (self._idle + 1 if stuck else 0), len(self.log)
        step = SWEEP * 2 ** min(max(self._idle - 8, 0), 12)
        self.clock.set(max(min(ahead, default=now), now) + step)
        self._settle_by_hand()
        if self.hands.are_impatient(self.clock.now()) and self._is_free("operator"):
            self._operate(resume=True)
        return True

    def _sweep(self) -> None:
        self._last_sweep = self.clock.now()
        for name in CLOCKS[: 1 + self.random.randrange(2)]:
            if self._is_free(name):
                app = self.apps[name]
                self._start(name, "sweep", app.sweep)

    def _next_due(self) -> datetime | None:
        with self.store.reader() as conn:
            due = drains.next_due(conn, now=self.clock.now())
            leases = [until for (until,) in conn.execute(_LEASES)]
        return min([each for each in (due, *leases) if each is not None], default=None)

    def _misfortune(self) -> None:
        """A process dies, is stopped for minutes, or a clock jumps; a backlog is let grow."""
        faults, draw = self.faults, self.random
        if faults.strikes("kill", 0.004):
            self._kill(draw.choice((*WORKERS, "web")))
        # Nobody can fence what stops between the last look at its lease and the call.
        calling = any(job.where in {"call", "called"} for job in self.jobs)
        leaving = any(job.name == "deliver" for job in self.jobs)
        if not calling and faults.strikes("stall", 0.06 if leaving else 0.01):
            self.clock.advance(timedelta(seconds=draw.choice((20, 400, 1_500))))
            self._sweep()
        if faults.strikes("clock", 0.006):
            back = timedelta(seconds=draw.choice((1, 20, 90)))
            if self.skews:
                self.clocks[draw.choice(sorted(self.clocks))].skew = draw.choice((back, -back))
            else:
                self.clock.set(self.clock.now() - back, back=True)
                self._last_sweep = None
            self.tell(f"a clock steps {back}")
        if self._busy_until is None and faults.on and draw.random() < 0.002:
            self._busy_until = self.clock.now() + timedelta(minutes=draw.choice((2, 200)))

    def _is_backlogged(self) -> bool:
        if self._busy_until is not None and self._busy_until <= self.clock.now():
            self._busy_until = None
        return self._busy_until is not None

    def _settle_by_hand(self) -> None:
        """An operator looks into the mailbox and says of a message in doubt what became of it."""
        if self.jobs or (self.faults.on and self.random.random() < 0.7):
            return
        with self.store.reader() as conn:
            found = outbox_record.in_doubt(conn) if conn.scalar(_DOUBTS) else []
            doubts = [m.key for m in found if not is_call(m.to) and not is_sync(m.to)]
        for key in doubts:
            sent = any(each.key == key for each in self.delivered)
            settle = partial(self.apps["operator"].resolve_key, key, sent=sent, by="operator")
            self._start("operator", f"resolve {key}", settle)
            while self.jobs:
                self._wake(self.jobs[0])

    def _operate(self, *, resume: bool = False) -> None:
        """Have an operator say something to a run or an ask, or let all go on that are paused."""
        app = self.apps["operator"]
        work = partial(self.hands.resume if resume else self.hands.work, app, self._peek)
        self._start("operator", "operate", work)

    def _change_programme(self) -> None:
        """Apply the next version while runs are waiting."""
        if not self._is_changed:
            self._is_changed = True
            self._apply(self.versions[1])

    def _apply(self, version: Version) -> None:
        apply_loaded(self.store, version.loaded, now=self.clock.now(), by="simulation")
        self.log.append(Note("apply", {"hash": version.hash, "now": self.clock.now()}))

    # -- the end ----------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Nothing fails any more; whatever was left behind must come right by itself."""
        self.faults.on = False
        self._busy_until = None
        for clock in self.clocks.values():
            clock.skew = timedelta()
        quiet = 0
        self._finish()  # whatever was said is heard before all that is paused goes on
        self._operate(resume=True)
        for _ in range(HEALING_MAX):
            before = (len(self.log), self.deaths)
            self.clock.advance(timedelta(minutes=6))
            self._last_sweep = None
            self._finish()
            self._settle_by_hand()
            self._finish()
            quiet = quiet + 1 if (len(self.log), self.deaths) == before else 0
            if quiet >= 2 and not self.company.left:
                return
        raise StuckError("the healed world never comes to rest")

    def _finish(self) -> None:
        self._sweep()
        for _ in range(ROUNDS_MAX):
            choices = [job for job in self.jobs if not job.done]
            if choices:
                self._wake(choices[0])
            elif self.company.left and self._is_free("web"):
                self._begin("web")
            elif self.nudges:
                self._begin(WORKERS[0])
            else:
                return
        raise StuckError("the healed world goes round in a circle")
