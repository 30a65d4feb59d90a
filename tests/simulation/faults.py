"""What goes wrong, when the seed says so: errors of databases as they look, and how often."""

import sqlite3
from dataclasses import dataclass, field
from random import Random

import psycopg.errors
import sqlalchemy as sa

from tests.simulation.baton import KilledError

SQLITE = {
    "busy": sqlite3.SQLITE_BUSY,
    "full": sqlite3.SQLITE_FULL,
    "io": sqlite3.SQLITE_IOERR,
}
POSTGRES: dict[str, type[psycopg.Error]] = {
    "serialization": psycopg.errors.SerializationFailure,
    "deadlock": psycopg.errors.DeadlockDetected,
    "full": psycopg.errors.DiskFull,
    "shutdown": psycopg.errors.AdminShutdown,
    "lost": psycopg.OperationalError,
}


def database_error(dialect: str, kind: str) -> Exception:
    """Return an error that passes, as SQLAlchemy raises it on this database."""
    if dialect == "sqlite":
        plain = sqlite3.OperationalError(f"injected: {kind}")
        plain.sqlite_errorcode = SQLITE[kind]
        return sa.exc.OperationalError("(a statement)", {}, plain)
    origin = POSTGRES[kind](f"injected: {kind}")
    return sa.exc.OperationalError("(a statement)", {}, origin)


def data_error(dialect: str) -> Exception:
    """Return the error of a value that the database refuses."""
    if dialect == "sqlite":
        plain = sqlite3.IntegrityError("injected: constraint")
        plain.sqlite_errorcode = sqlite3.SQLITE_CONSTRAINT
        return sa.exc.IntegrityError("(a statement)", {}, plain)
    return sa.exc.IntegrityError("(a statement)", {}, psycopg.errors.CheckViolation("injected"))


@dataclass(slots=True)
class Faults:
    """Draws faults, at most so many of a kind a run: a world that only ever dies proves nothing.

    Attributes:
        left: How many more of each kind may happen.
        happened: How many did.
        often: Kinds that strike twenty times as often.
        density: How much likelier all of them are than in a long story.
        at: The job and boundary at which alone the database fails, such as `drain begin`.
    """

    random: Random
    dialect: str
    on: bool = True
    left: dict[str, int] = field(
        default_factory=lambda: {
            "kill": 7, "database": 8, "answer": 4, "network": 8, "bell": 25, "stall": 2, "clock": 2,
            "outside": 12,
        }
    )  # fmt: skip
    happened: dict[str, int] = field(default_factory=dict)
    often: set[str] = field(default_factory=set)
    density: float = 1.0
    at: str = ""

    def strikes(self, kind: str, chance: float) -> bool:
        """Tell whether a fault of this kind happens now."""
        chance *= self.density * (20 if kind in self.often else 1)
        if not self.on or self.left[kind] <= 0 or self.random.random() >= chance:
            return False
        self.left[kind] -= 1
        self.happened[kind] = self.happened.get(kind, 0) + 1
        return True

    def passing(self) -> Exception:
        """Return an error of the database that passes by itself."""
        return database_error(
            self.dialect,
            self.random.choice(sorted(SQLITE if self.dialect == "sqlite" else POSTGRES)),
        )

    def blow(self, blows: str) -> BaseException:
        """Return what ends a transaction in its middle."""
        return KilledError() if blows == "kill" else self.passing()
