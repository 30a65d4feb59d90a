"""Tables beside those of a drain: who may publish, what programme applies, who is forgotten."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from store.columns import document, instant, where
from store.types import Json


class ErasureRow(SQLModel, table=True):
    """An order to empty every row about a contact, and how far that has come.

    The address is here until its hash is on the list of those who are not written to.
    """

    __tablename__ = "erasure"
    __table_args__ = (sa.Index("ix_erasure_waits", "at", "actor", **where("done_at IS NULL")),)

    slice: int = Field(primary_key=True)
    actor: str = Field(primary_key=True)
    at: datetime = instant(primary_key=True)
    about: str = Field(default="", primary_key=True)
    also: list[str] = Field(default_factory=list, sa_type=Json)
    email: str = ""
    phone: str = ""
    stage: str = ""
    after: str = ""
    done_at: datetime | None = instant(default=None)


class SuppressionRow(SQLModel, table=True):
    """An address that nothing is sent to without a word newer than this: its keyed hash."""

    __tablename__ = "suppression"

    hash: str = Field(primary_key=True)
    at: datetime = instant()


class RetentionRow(SQLModel, table=True):
    """How far a slice's events were emptied because of their age, and its decisions deleted."""

    __tablename__ = "retention"

    slice: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    event_seq: int = Field(default=0, sa_type=sa.BigInteger)
    decision_seq: int = Field(default=0, sa_type=sa.BigInteger)


class RejectRow(SQLModel, table=True):
    """An event refused, parked or seen before: what and why, without its payload."""

    __tablename__ = "reject"
    __table_args__ = (sa.Index("ix_reject_at", "at"),)

    seq: int | None = Field(default=None, primary_key=True)
    at: datetime = instant()
    verdict: str  # rejected, duplicate, parked
    source: str = ""
    event: str = ""
    type: str = ""
    reason: str = ""
    field: str = ""


class UnmappedRow(SQLModel, table=True):
    """A webhook that no entry of its source takes, to be mapped when there is one.

    The newest of each source, so many and no more: what a vendor says about people is in it.
    """

    __tablename__ = "unmapped"
    __table_args__ = (sa.Index("ix_unmapped_source", "source", "seq"),)

    seq: int | None = Field(default=None, primary_key=True)
    at: datetime = instant()
    source: str
    delivery: str = ""
    body: str = ""
    headers: str = ""


class DefinitionRow(SQLModel, table=True):
    """A workflow version or a programme bundle, by its content's hash; never changed."""

    __tablename__ = "definition"

    hash: str = Field(primary_key=True)
    kind: str  # workflow, programme, text
    name: str
    created_at: datetime = instant()
    doc: dict[str, Any] = document()


class ApplyRow(SQLModel, table=True):
    """One `vouch apply`: the newest is the head that workers read."""

    __tablename__ = "apply"

    seq: int | None = Field(default=None, primary_key=True)
    hash: str
    at: datetime = instant()
    by: str = ""
    commit: str = ""


class KeyRow(SQLModel, table=True):
    """An API key, hashed, with the sources and event types it may publish.

    One of the console opens the pages of operators instead.
    """

    __tablename__ = "api_key"

    name: str = Field(primary_key=True)
    hash: str = Field(index=True, unique=True)
    sources: list[str] = document()
    types: list[str] = document()
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(default=None)
    console: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})


class SequenceRow(SQLModel, table=True):
    """The next `seq` on SQLite, which has no sequences; and whose turn it is in each queue."""

    __tablename__ = "sequence"

    name: str = Field(primary_key=True)
    next: int = Field(default=1, sa_type=sa.BigInteger)


class HoldRow(SQLModel, table=True):
    """One row: where the database was when messages last left, and whether they are held."""

    __tablename__ = "hold"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    place: str = ""
    held_at: datetime | None = instant(default=None)
    reason: str = ""
    mark: str = Field(default="", sa_column_kwargs={"server_default": ""})
