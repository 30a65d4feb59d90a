"""An intake on a database that writes down which slices it rang."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from events.catalogue import default_catalogue
from store.db import Store
from store.dialect import table_of
from workers.clock import VirtualClock
from workers.intake import Intake, Verdict

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
ANNA = "contact/c-anna"


@dataclass
class Desk:
    """An intake on a database, and the bells it rang."""

    store: Store
    clock: VirtualClock
    rung: list[set[int]] = field(default_factory=list)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = self.open(1_000_000)

    def open(self, inbox_max: int) -> Intake:
        return Intake(self.store, default_catalogue, self.clock, self.ring, inbox_max)

    def ring(self, slices: Collection[int]) -> None:
        self.rung.append(set(slices))

    def rows(self, table: type[SQLModel]) -> list[Any]:
        with self.store.reader() as conn:
            return list(conn.execute(sa.select(table_of(table))).mappings())

    def add(self, table: type[SQLModel], **values: Any) -> None:
        with self.store.transaction() as conn:
            conn.execute(sa.insert(table_of(table)).values(**values))


@dataclass(frozen=True)
class Key:
    name: str = "crm"
    sources: tuple[str, ...] = ("crm",)
    types: tuple[str, ...] = ("project.delivered",)


def event(**changes: Any) -> dict[str, Any]:
    raw = {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "crm",
        "type": "project.delivered",
        "subject": "contact/c-anna",
        "time": "2027-02-28T14:00:00Z",
        "data": {"project_id": "p-77", "value_eur": 80000},
        **changes,
    }
    return {name: value for name, value in raw.items() if value is not None}


def statuses(verdicts: list[Verdict]) -> list[str]:
    return [verdict.status for verdict in verdicts]
