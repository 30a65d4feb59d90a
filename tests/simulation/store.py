"""A store whose transactions are boundaries: jobs park there, and faults strike there."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from store.db import Store
from tests.simulation.baton import Job, KilledError

if TYPE_CHECKING:
    from tests.simulation.world import World

STATEMENTS_MAX = 12
"""A fault strikes at one of the first so many statements of a transaction."""


class BoundaryStore(Store):
    """The real store, watched: what a transaction noted counts when it is committed."""

    _world: "World | None" = None

    def __init__(self, *engines: sa.Engine, durable: bool) -> None:
        super().__init__(*engines, durable=durable)
        self._idle: dict[sa.Engine, list[sa.Connection]] = {}

    def watch(self, world: "World") -> None:
        """Put every boundary and statement under this world's command."""
        first, self._world = self._world is None, world
        if not first:
            return
        for engine in {self._write, self._read, self._hot}:
            sa.event.listen(engine, "before_cursor_execute", self._statement)

    @property
    def world(self) -> "World":
        """The world that is played on it now."""
        assert self._world is not None
        return self._world

    @contextmanager
    def transaction(
        self, *, hot: bool = False, single: bool = False, redone: bool = False
    ) -> Iterator[sa.Connection]:
        """Give the real transaction between two boundaries.

        Where each statement commits by itself, what was noted before one that fails counts.
        """
        job = self.world.job
        by_itself = single and self.dialect == "postgresql"
        self._enter(job, "begin")
        try:
            given = super().transaction(hot=hot, single=single, redone=redone)
            with given as conn, self._inside(job):
                yield conn
                if not by_itself:
                    self._strike(job, "commit")
        except BaseException:  # a kill too: what was committed by itself stays
            if by_itself and job is not None and not job.depth:
                self.world.committed(job.notes)
                job.notes.clear()
            raise
        self._leave(job)

    @contextmanager
    def at_once(self) -> Iterator[sa.Connection]:
        """Give the real single statement between two boundaries."""
        job = self.world.job
        self._enter(job, "try")
        with super().at_once() as conn, self._inside(job):
            yield conn
        self._leave(job)

    @contextmanager
    def reader(self) -> Iterator[sa.Connection]:
        """Give the real reader; no boundary, since a thread may hold a lock of its process."""
        job = self.world.job
        self._enter(job, "read")
        with super().reader() as conn, self._inside(job):
            yield conn

    def empty(self, template: Path) -> None:
        """Be what this SQLite file is, whatever the last seed left."""
        with closing(sqlite3.connect(template)) as file, self._connection(self._write) as conn:
            file.backup(cast("sqlite3.Connection", conn.connection.dbapi_connection))

    @contextmanager
    def _connection(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        """Give a connection that stays: fetching one from the pool costs as much as using it."""
        if self.dialect != "sqlite":
            with super()._connection(engine) as conn:
                yield conn
            return
        idle = self._idle.setdefault(engine, [])
        conn = idle.pop() if idle else engine.connect()
        try:
            yield conn
        finally:
            if conn.in_transaction():
                conn.rollback()
            idle.append(conn)

    @contextmanager
    def _inside(self, job: Job | None) -> Iterator[None]:
        if job is None:
            yield
            return
        job.depth += 1
        try:
            yield
        finally:
            job.depth -= 1

    def _enter(self, job: Job | None, where: str) -> None:
        if job is None or job.depth:
            return
        if where != "read":
            self.world.park(job, where)
        job.notes.clear()
        faults = self.world.faults
        job.fuse = 0
        for kind, chance in (("kill", 0.02), ("database", 0.04)):
            aimed = faults.at in {"", f"{job.name.split()[0]} {where}"}
            if (aimed or kind != "database") and faults.strikes(kind, chance):
                job.fuse, job.blows = faults.random.randint(1, STATEMENTS_MAX), kind

    def _statement(self, *_: Any) -> None:
        job = self.world.job
        if job is None or not job.fuse:
            return
        job.fuse -= 1
        if not job.fuse:
            raise self.world.faults.blow(job.blows)

    def _strike(self, job: Job | None, where: str) -> None:
        """A fuse longer than the transaction strikes at the commit."""
        if job is not None and job.depth == 1 and job.fuse:
            job.fuse = 0
            raise self.world.faults.blow(job.blows)

    def _leave(self, job: Job | None) -> None:
        """Committed: whether anybody hears of it is another matter."""
        if job is None:
            self.world.committed([])
            return
        if job.depth:
            return
        self.world.committed(job.notes)
        job.notes.clear()
        job.fuse = 0
        faults = self.world.faults
        if faults.strikes("answer", 0.02):
            raise faults.passing()  # the connection broke before the answer came
        if faults.strikes("kill", 0.02):
            raise KilledError
        self.world.park(job, "committed")
