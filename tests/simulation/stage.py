"""The stage of a run: what it has, and what the store, the taps and the outside ask of it."""

from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from tests.simulation.baton import Job, Note
from tests.simulation.company import Company
from tests.simulation.faults import Faults
from tests.simulation.network import Delivery
from tests.simulation.programmes import Version
from tests.simulation.store import BoundaryStore
from workers.app import App
from workers.channels.base import Parcel
from workers.clock import VirtualClock
from workers.programmes import Applied

JOBS_MAX = 2
"""Jobs of one process at a time: its threads."""


class SkewedClock(VirtualClock):
    """A process's own idea of the time."""

    def __init__(self, true: VirtualClock) -> None:
        self.true = true
        self.skew = timedelta()

    def now(self) -> datetime:
        """Return the true instant, and what this machine makes of it."""
        return self.true.now() + self.skew


class OfItsThread:
    """What is local to a thread, where each job stands for one."""

    def __init__(self, world: "Stage") -> None:
        self._world = world

    @property
    def began(self) -> float:
        """When this job chose what to send."""
        job = self._world.job
        if job is None or job.began is None:
            raise AttributeError
        return job.began

    @began.setter
    def began(self, at: float) -> None:
        if self._world.job is not None:
            self._world.job.began = at


@dataclass(slots=True)
class Stage:
    """The database, the processes and their clocks; and the log of all that was committed."""

    seed: int
    store: BoundaryStore
    company: Company
    versions: list[Version]
    faults: Faults
    skews: bool = False
    clock: VirtualClock = field(init=False)
    apps: dict[str, App] = field(default_factory=dict)
    clocks: dict[str, SkewedClock] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    nudges: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    log: list[Note] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    unheard: list[tuple[int, str]] = field(default_factory=list)
    poison: dict[str, str] = field(default_factory=dict)
    is_poison_on: bool = True
    acknowledged: dict[str, str] = field(default_factory=dict)
    unexpected: list[str] = field(default_factory=list)
    used: dict[Any, Any] = field(default_factory=dict)
    deaths: int = 0
    random: Random = field(init=False)
    _running: Job | None = None
    _aside: list[Note] = field(default_factory=list)
    _tokens: int = 0
    _idle: int = 0
    _seconds: float = 0.0
    _seen: int = 0
    _is_changed: bool = False
    _last_sweep: datetime | None = None
    _busy_until: datetime | None = None

    @property
    def job(self) -> Job | None:
        """The job that asks; none while the stage itself is at work."""
        running = self._running
        return running if running is not None and running.is_here() else None

    def now(self) -> datetime:
        """Return the time as the process that asks sees it."""
        job = self.job
        return self.clocks[job.process].now() if job else self.clock.now()

    def seconds(self) -> float:
        """Return a time that only goes up, in which breakers count."""
        self._seconds = max(self._seconds, self.clock.now().timestamp())
        return self._seconds

    def database_now(self, now: datetime) -> datetime:
        """Return the time that leases are counted in: Postgres has a clock of its own."""
        return self.clock.now() if self.skews else now

    def park(self, job: Job, where: str) -> None:
        """Let others have a turn, unless a transaction is open."""
        if not job.depth:
            job.park(where)

    def _give_way(self) -> None:
        """Let others have a turn while a job waits for those of its own process."""
        if self.job is not None:
            self.park(self.job, "waits")

    def between_locks(self) -> None:
        """On Postgres others also run while a drain holds its slices: nobody waits there."""
        job = self.job
        if job is not None and self.skews:
            job.park("locked")

    def note(self, kind: str, doc: dict[str, Any]) -> None:
        """Note what the transaction in progress does."""
        job = self.job
        (self._aside if job is None else job.notes).append(Note(kind, doc))

    def committed(self, notes: list[Note]) -> None:
        """The transaction that made these notes is committed."""
        if self.job is None:
            notes, self._aside = self._aside, []
        for note in notes:
            self.log.append(note)
            self.tell(f"{note.kind} {_plain(note.doc)}")

    def deliver(self, parcel: Parcel, *, repeatable: bool) -> None:
        """A message reaches somebody."""
        if repeatable and any(each.key == parcel.key for each in self.delivered):
            return
        self.delivered.append(
            Delivery(parcel.key, parcel.address, parcel.channel, self.clock.now(), len(self.log))
        )
        self.tell(
            f"delivered {parcel.key} {parcel.address} {sha256(parcel.text.encode()).hexdigest()}"
        )

    def applied(self, hash_: str, bundle: Any) -> Applied:
        """Give the compiled programme of a hash; what a process adds to it is its own."""
        known = next(each for each in self.versions if each.hash == hash_)
        mine = copy(known.applied)
        mine.programme = replace(
            known.applied.programme, versions=dict(known.applied.programme.versions)
        )
        return mine

    def _is_free(self, process: str) -> bool:
        return sum(job.process == process for job in self.jobs) < JOBS_MAX

    def _peek(self, sql: Any) -> list[Any]:
        """Look something up that a person would know: which asks and tasks are open."""
        job = self.job
        assert job is not None
        job.depth += 1
        try:
            with self.store.reader() as conn:
                return list(conn.execute(sql))
        finally:
            job.depth -= 1

    def tell(self, line: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{self.clock.now():%m-%d %H:%M:%S} {line}")

    @property
    def fingerprint(self) -> str:
        """What two runs of the same seed and commit have in common: everything."""
        return sha256("\n".join(self.trace).encode()).hexdigest()


def _plain(doc: dict[str, Any]) -> str:
    return " ".join(f"{name}={value!r}" for name, value in doc.items())
