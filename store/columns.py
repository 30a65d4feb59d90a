"""Columns that many tables have."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from store.types import Json, UTCDateTime


def instant(**kwargs: Any) -> Any:
    """Return a column that holds an instant, in UTC."""
    return Field(sa_type=UTCDateTime, **kwargs)


def document() -> Any:
    """Return a column that holds a document, empty unless given."""
    return Field(default_factory=dict, sa_type=Json)


def where(condition: str) -> dict[str, Any]:
    """Return what makes an index one of those rows alone that meet a condition."""
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}
