"""A web process for tests: a real store, a wound clock, the shipped source, links to follow."""

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn
from prometheus_client import CollectorRegistry
from sqlmodel import SQLModel
from starlette.applications import Starlette

from events.catalogue import Catalogue, default_catalogue
from store import contacts, keys
from store.blank import write_blank
from store.db import Store
from store.dialect import table_of
from store.tables import EventRow, InboxRow
from workers.clock import VirtualClock
from workers.intake import Intake
from workers.keys import secret_hash
from workers.settings import Settings
from workers.tokens import Tokens
from workers.web.app import WebApp, make_app
from workers.web.connections import Bounds, bounded
from workers.web.services import Services
from workflows.policies import Policies, Source
from workflows.sources import CompiledSource, compile_source
from workflows.state import Doc

NOW = datetime(2027, 6, 14, 9, 0, tzinfo=UTC)
KEY = "vk_test-of-the-crm"
VENDOR_SECRET = base64.b64encode(b"the vendor's secret").decode()
DELIGHTED = {
    "source": "delighted",
    "signature": {
        "scheme": "hmac-sha256",
        "header": "X-Delighted-Webhook-Signature",
        "prefix": "sha256=",
        "secret": "env:DELIGHTED",
    },
    "key": "body.event_id",
    "natural_key": "'response/' + body.event_data.id + '/' + string(body.event_data.updated_at)",
    "events": [
        {
            "if": "body.event_type in ['survey_response.created', 'survey_response.updated']",
            "type": "nps.answered",
            "contact": {
                "email": "body.event_data.person.email",
                "name": "body.event_data.person.name",
            },
            "time": "timestamp(int(body.event_data.updated_at))",
            "data": {
                "response": "body.event_data.id",
                "revision": "int(body.event_data.updated_at)",
                "score": "int(body.event_data.score)",
                "comment": "body.event_data.comment",
            },
        }
    ],
}


@dataclass
class Programme:
    """A programme applied, as far as the web looks at it."""

    policies: Policies = field(
        default_factory=lambda: Policies(programme="kompas", locales=("nl", "de", "en"))
    )
    catalogue: Catalogue = field(default_factory=default_catalogue)
    templates: dict[tuple[str, str, str], str] = field(default_factory=dict)
    sources: Mapping[str, CompiledSource] = field(
        default_factory=lambda: {"delighted": compile_source(Source.model_validate(DELIGHTED))}
    )


@dataclass
class World:
    """The application, and what came of requests to it."""

    store: Store
    clock: VirtualClock
    client: httpx.Client
    tokens: Tokens
    programme: Programme
    services: Services
    app: WebApp

    def rows(self, table: type[SQLModel]) -> list[Any]:
        with self.store.reader() as conn:
            return list(conn.execute(sa.select(table_of(table))).mappings())

    def events(self) -> list[Doc]:
        rows = sorted(self.rows(EventRow), key=lambda row: row["seq"])
        return [row["doc"] for row in rows]

    def inbox(self) -> list[str]:
        return [row["actor"] for row in sorted(self.rows(InboxRow), key=lambda r: r["seq"])]

    def add(self, table: type[SQLModel], **values: object) -> None:
        with self.store.transaction() as conn:
            conn.execute(sa.insert(table_of(table)).values(**values))

    def seed(self, actors: Mapping[str, Doc]) -> None:
        with self.store.transaction() as conn:
            contacts.seed(conn, actors)


def migrated(tmp_path: Path) -> Store:
    """Return a fresh SQLite store."""
    write_blank(tmp_path / "vouch.db")
    return Store.open(f"sqlite:///{tmp_path / 'vouch.db'}", durable=False)


def quiet(slices: Collection[int]) -> None:
    """Ring nobody."""


@contextmanager
def world(
    store: Store,
    *,
    inbox_max: int = 100_000,
    sources: Sequence[str] = ("crm",),
    bounds: Bounds | None = None,
) -> Iterator[World]:
    """Give a world on a store, with one API key that may publish anything of `sources`."""
    clock = VirtualClock(NOW)
    programme = Programme()
    tokens = Tokens([b"k" * 32])
    services = Services(
        store=store,
        intake=Intake(store, lambda: programme.catalogue, clock, quiet, inbox_max),
        clock=clock,
        settings=Settings.from_env({}),
        tokens=tokens,
        programme=lambda: programme,
        registry=CollectorRegistry(),
        secrets={"DELIGHTED": VENDOR_SECRET},
    )
    with store.transaction() as conn:
        keys.add(
            conn,
            name="crm",
            secret_hash=secret_hash(KEY),
            sources=list(sources),
            types=["*"],
            now=NOW,
        )
    app = make_app(services)
    with served(app, bounds) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield World(store, clock, client, tokens, programme, services, app)
    store.close()


@contextmanager
def served(app: Starlette, bounds: Bounds | None = None) -> Iterator[str]:
    """Serve an application on a free port of this machine, and give its address."""
    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, server_header=False, ws="none",
        http=bounded(bounds or Bounds()),
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive()
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
