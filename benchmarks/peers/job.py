"""The work that every peer does of one event: four rows, written once whatever comes twice.

The event, the run it starts, the timer that wakes the run and the message to be sent. No
condition is evaluated, nothing is explained, no programme is loaded.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

WEEK = timedelta(days=7)

TABLES = """
CREATE TABLE event (
  id uuid PRIMARY KEY, source text NOT NULL, source_id text NOT NULL, type text NOT NULL,
  contact text NOT NULL, doc jsonb NOT NULL, received_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (source, source_id)
);
CREATE TABLE run (
  id uuid PRIMARY KEY, event_id uuid NOT NULL, workflow text NOT NULL, contact text NOT NULL,
  state text NOT NULL, step text NOT NULL, doc jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON run (contact, workflow);
CREATE TABLE timer (
  id uuid PRIMARY KEY, run_id uuid NOT NULL, kind text NOT NULL, due_at timestamptz NOT NULL
);
CREATE INDEX ON timer (due_at);
CREATE TABLE outbox (
  id uuid PRIMARY KEY, run_id uuid NOT NULL, kind text NOT NULL, contact text NOT NULL,
  doc jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz
);
CREATE INDEX ON outbox (created_at) WHERE sent_at IS NULL;
"""

INSERT_EVENT = """
INSERT INTO event (id, source, source_id, type, contact, doc) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (source, source_id) DO NOTHING RETURNING id
"""
INSERT_RUN = """
INSERT INTO run (id, event_id, workflow, contact, state, step, doc)
VALUES (%s, %s, 'nps', %s, 'waiting', 'call', %s)
"""
INSERT_TIMER = "INSERT INTO timer (id, run_id, kind, due_at) VALUES (%s, %s, 'due', %s)"
INSERT_OUTBOX = """
INSERT INTO outbox (id, run_id, kind, contact, doc) VALUES (%s, %s, 'thanks', %s, %s)
"""
IN_ONE = """
WITH e AS (
  INSERT INTO event (id, source, source_id, type, contact, doc)
  VALUES (%s, %s, %s, %s, %s, %s::jsonb)
  ON CONFLICT (source, source_id) DO NOTHING RETURNING id
), r AS (
  INSERT INTO run (id, event_id, workflow, contact, state, step, doc)
  SELECT %s, e.id, 'nps', %s, 'waiting', 'call', %s::jsonb FROM e
), t AS (
  INSERT INTO timer (id, run_id, kind, due_at) SELECT %s, %s, 'due', %s FROM e
)
INSERT INTO outbox (id, run_id, kind, contact, doc) SELECT %s, %s, 'thanks', %s, %s::jsonb FROM e
"""


class Rows(NamedTuple):
    """The values of the four rows, in the order of their statements' parameters."""

    event: tuple[UUID, str, str, str, str, str]
    run: tuple[UUID, UUID, str, str]
    timer: tuple[UUID, UUID, datetime]
    outbox: tuple[UUID, UUID, str, str]


def rows(event: dict[str, Any]) -> Rows:
    """Return the rows that a CloudEvent of the bench leads to."""
    event_id, run_id = uuid4(), uuid4()
    contact = event["subject"].partition("/")[2]
    doc = json.dumps(event["data"])
    message = json.dumps({"template": "thanks", "channel": "email"})
    return Rows(
        (event_id, event["source"], event["id"], event["type"], contact, doc),
        (run_id, event_id, contact, json.dumps({"score": event["data"]["score"]})),
        (uuid4(), run_id, datetime.now(UTC) + WEEK),
        (uuid4(), run_id, contact, message),
    )


def write(conn: psycopg.Connection[Any], event: dict[str, Any]) -> None:
    """Do the work as most write it: a transaction of four statements."""
    made = rows(event)
    with conn.transaction():
        if conn.execute(INSERT_EVENT, made.event).fetchone() is None:
            return  # delivered before
        conn.execute(INSERT_RUN, made.run)
        conn.execute(INSERT_TIMER, made.timer)
        conn.execute(INSERT_OUTBOX, made.outbox)


def write_in_one(conn: psycopg.Connection[Any], event: dict[str, Any]) -> None:
    """Do the work in one statement and one round trip, as who measured would write it."""
    made = rows(event)
    run_id, _, contact, doc = made.run
    conn.execute(IN_ONE, (*made.event, run_id, contact, doc, *made.timer, *made.outbox))


def connect() -> psycopg.Connection[Any]:
    """Return a connection to the bench's database; each statement commits by itself."""
    return psycopg.connect(database(), autocommit=True)


def database() -> str:
    """Return the address of the bench's database, as libpq reads it."""
    return os.environ["BENCH_DATABASE"]


def queue() -> str:
    """Return the address of the bench's Valkey."""
    return os.environ["BENCH_REDIS"]
