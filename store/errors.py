"""What a database's error means for a batch: try again later, or look for the culprit."""

import sqlite3
from collections.abc import Mapping

import orjson
import sqlalchemy as sa

from events.errors import VouchError

# What passes when one waits: connection, transaction rollback (serialization, deadlock),
# resources (disk and memory too), object in use, operator intervention, system error.
_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
# A primary that became a standby: the next connection finds the new one. A transaction that
# was ended because this process had been frozen in it.
_TRANSIENT_STATES = frozenset({"25006", "25P03", "25P04"})
_LOCK_NOT_AVAILABLE = "55P03"
# A value that fits no column, or breaks a constraint.
_DATA_CLASSES = frozenset({"22", "23"})

_SQLITE_TRANSIENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,  # as a disk becomes by itself that has errors
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_SQLITE_DATA = frozenset(
    {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG}
)
_PRIMARY_CODE = 0xFF  # the low byte of SQLite's extended codes


class DatabaseUnavailableError(VouchError):
    """The database cannot be reached; what was to be done is to be tried again."""

    code = "database-unavailable"


class DatabaseAddressError(VouchError):
    """An address names no database that Vouch can work on."""

    code = "database-address"


class StillMigratingError(VouchError):
    """Another process migrates the database and does not end."""

    code = "still-migrating"


def is_transient(error: BaseException) -> bool:
    """Tell whether the same work can succeed later, unchanged: nobody's input is to blame.

    The caller rolls back, backs off and sets nothing aside.
    """
    if isinstance(error, (DatabaseUnavailableError, sa.exc.TimeoutError)):
        return True
    origin = _origin(error)
    state = _sqlstate(origin)
    if state:
        return state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES
    if isinstance(origin, sqlite3.Error):
        return _sqlite_code(origin) in _SQLITE_TRANSIENT
    # psycopg has no SQLSTATE for a connection that was lost or never made.
    return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))


_WHY: Mapping[str, str] = {
    "password authentication failed": "the user or the password is wrong",
    "no password supplied": "it wants a password: postgresql://user:password@host/database",
    "no pg_hba.conf entry": "it does not let this user in from here: see its pg_hba.conf",
    "does not exist": "there is no such database, or no such user: make it, or mend the address",
    "remaining connection slots": "it has no connection to spare: raise its max_connections",
    "too many clients": "it has no connection to spare: raise its max_connections",
    "too many connections": "it has no connection to spare: raise its max_connections",
    "connection refused": "nothing listens there: is it running, and are host and port right?",
    "failed to resolve host": "there is no such host: is the address right?",
    "unable to open database file": "does its folder exist, and may we write there?",
    "disk i/o error": "is its disk there, and has it room?",
    "disk is full": "its disk has no room",
    "readonly database": "its file or disk is read-only: may we write there?",
    "read-only transaction": "it takes no writes now: is it a standby?",
    "database is locked": "another process writes, and does not end",
}
"""What a database says that lets nobody in or takes nothing, and what helps.

It speaks other languages, too.
"""


def why_unavailable(error: BaseException) -> str:
    """Return what helps against a connection that could not be had.

    What the database says is not repeated, only looked at: it may name people and places.
    """
    said = str(_origin(error)).lower()
    for words, why in _WHY.items():
        if words in said:
            return why
    return "is it running, and is the address right?"


def is_lock_timeout(error: BaseException) -> bool:
    """Tell whether a lock was not to be had in the time given."""
    return _sqlstate(_origin(error)) == _LOCK_NOT_AVAILABLE


def is_data_error(error: BaseException) -> bool:
    """Tell whether a value of the batch is to blame, so that halving finds the culprit.

    True also for values that never reach the database because no JSON or SQL can say
    them: a lone surrogate, an integer beyond 64 bits.
    """
    origin = _origin(error)
    state = _sqlstate(origin)
    if state:
        return state[:2] in _DATA_CLASSES
    if isinstance(origin, sqlite3.Error):
        return _sqlite_code(origin) in _SQLITE_DATA or isinstance(origin, sqlite3.DataError)
    if isinstance(error, sa.exc.StatementError) and not isinstance(error, sa.exc.DBAPIError):
        return True  # a bind processor refused the value
    return isinstance(origin, (orjson.JSONEncodeError, UnicodeError, OverflowError))


def _origin(error: BaseException) -> BaseException:
    if isinstance(error, sa.exc.StatementError) and error.orig is not None:
        return error.orig
    return error


def _sqlstate(origin: BaseException) -> str:
    return getattr(origin, "sqlstate", None) or ""


def _sqlite_code(origin: BaseException) -> int:
    code: int = getattr(origin, "sqlite_errorcode", 0)
    return code & _PRIMARY_CODE
