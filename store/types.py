"""Column types that mean the same on SQLite and Postgres."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


def sortable(at: datetime) -> str:
    """Return an instant as text whose order is the order of time: UTC, to the microsecond.

    Raises:
        ValueError: The instant is naive: it means something else on every machine.
    """
    if at.tzinfo is None:
        msg = f"naive datetime {at!r}: give it a zone"
        raise ValueError(msg)
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return _text(at)


@lru_cache(maxsize=1024)
def _text(at: datetime) -> str:
    """Return the text of an instant in UTC: most of a batch's are the same few.

    Not of any zone: there two instants are equal when a clock shows the same hour twice.
    """
    return f"{at.isoformat(timespec='microseconds')[:-6]}Z"


def as_json(value: Any) -> str:
    """Return a document as the compact text that both databases store."""
    return orjson.dumps(value).decode()


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware, in UTC, to the microsecond, on both databases.

    SQLite keeps no zone and compares text, so it stores one fixed-width form whose order is
    the order of time.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Store fixed-width text on SQLite, timestamptz elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(27))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive instants: they mean something else on every machine."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return sortable(value)
        if value.tzinfo is None:
            msg = f"naive datetime {value!r}: give it a zone"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC whatever the session's zone is."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        at: datetime = value
        return at.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A document: text on SQLite, json on Postgres; always replaced whole."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Use json where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSON(none_as_null=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Write compact JSON."""
        if value is None or dialect.name == "postgresql":
            return value
        return as_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read what was written."""
        return orjson.loads(value) if isinstance(value, (str, bytes)) else value
