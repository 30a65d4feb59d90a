"""The first tables.

Types are written out, not imported from store.types: a revision says what a database got
on its day, whatever the code becomes.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON as PG_JSON

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.Text().with_variant(PG_JSON(), "postgresql")
SLICES = 64
TABLES = (
    "actor",
    "api_key",
    "apply",
    "ask",
    "consent",
    "dead",
    "decision",
    "definition",
    "event",
    "inbox",
    "ledger",
    "outbox",
    "reject",
    "run",
    "sequence",
    "slice",
    "task",
    "timer",
)


def upgrade() -> None:
    _create_actor_to_inbox()
    _create_ledger_to_timer()
    _fill()
    if op.get_bind().dialect.name == "postgresql":
        _tune()


def _create_actor_to_inbox() -> None:
    op.create_table(
        "actor",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "key"),
    )
    op.create_index(
        "ix_actor_account",
        "actor",
        ["account"],
        unique=False,
        postgresql_where=sa.text("account <> ''"),
        sqlite_where=sa.text("account <> ''"),
    )
    op.create_index(
        "ix_actor_email",
        "actor",
        ["email"],
        unique=False,
        postgresql_where=sa.text("email <> ''"),
        sqlite_where=sa.text("email <> ''"),
    )
    op.create_index(
        "ix_actor_phone",
        "actor",
        ["phone"],
        unique=False,
        postgresql_where=sa.text("phone <> ''"),
        sqlite_where=sa.text("phone <> ''"),
    )
    op.create_index("ix_actor_key", "actor", ["key"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("sources", JSON, nullable=False),
        sa.Column("types", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index(op.f("ix_api_key_hash"), "api_key", ["hash"], unique=True)
    op.create_table(
        "apply",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("commit", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "ask",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("touches", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("cooling_until", INSTANT, nullable=True),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "key"),
    )
    op.create_index("ix_ask_actor", "ask", ["actor"], unique=False)
    op.create_index(
        "ux_ask_open",
        "ask",
        ["slice", "actor"],
        unique=True,
        postgresql_where=sa.text("status in ('pending', 'open')"),
        sqlite_where=sa.text("status in ('pending', 'open')"),
    )
    op.create_table(
        "consent",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("slice", "actor", "channel", "topic"),
    )
    op.create_table(
        "dead",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "seq"),
    )
    op.create_index("ix_dead_at", "dead", ["at"], unique=False)
    op.create_table(
        "decision",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "seq"),
    )
    op.create_index("ix_decision_actor", "decision", ["slice", "actor", "seq"], unique=False)
    op.create_index("ix_decision_cause", "decision", ["cause"], unique=False)
    op.create_table(
        "definition",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "event",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("natural_key", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("arrived", INSTANT, nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "seq"),
        sa.UniqueConstraint("slice", "source", "id"),
    )
    op.create_index("ix_event_contact", "event", ["contact", "seq"], unique=False)
    op.create_index(
        "ux_event_natural",
        "event",
        ["slice", "source", "natural_key"],
        unique=True,
        postgresql_where=sa.text("natural_key <> ''"),
        sqlite_where=sa.text("natural_key <> ''"),
    )
    op.create_table(
        "inbox",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "seq"),
    )
    op.create_index("ix_inbox_actor", "inbox", ["slice", "actor", "accepted_at"], unique=False)


def _create_ledger_to_timer() -> None:
    op.create_table(
        "ledger",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("txn", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("bucket", sa.String(), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("benefit", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("slice", "key"),
    )
    op.create_index("ix_ledger_account", "ledger", ["account", "at"], unique=False)
    op.create_index("ix_ledger_txn", "ledger", ["txn"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("ask", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("class", sa.String(), nullable=False),
        sa.Column("by", JSON, nullable=False),
        sa.Column("before", INSTANT, nullable=True),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("uncapped", sa.Boolean(), nullable=False),
        sa.Column("awaited", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=True),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "key"),
    )
    op.create_index(
        "ix_outbox_account",
        "outbox",
        ["account", "planned_at"],
        unique=False,
        postgresql_where=sa.text("account <> ''"),
        sqlite_where=sa.text("account <> ''"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["slice", "due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
        sqlite_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("status = 'sending'"),
        sqlite_where=sa.text("status = 'sending'"),
    )
    op.create_index("ix_outbox_to", "outbox", ["slice", "to", "planned_at"], unique=False)
    op.create_table(
        "reject",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_reject_at", "reject", ["at"], unique=False)
    op.create_table(
        "run",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("per", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_as", sa.String(), nullable=False),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "id"),
    )
    op.create_index("ix_run_actor", "run", ["actor", "started_at"], unique=False)
    op.create_index(
        "ix_run_live",
        "run",
        ["slice", "actor"],
        unique=False,
        postgresql_where=sa.text("status = 'live'"),
        sqlite_where=sa.text("status = 'live'"),
    )
    op.create_table(
        "sequence",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "slice",
        sa.Column("slice", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("slice"),
    )
    op.create_table(
        "task",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("overdue_at", INSTANT, nullable=True),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("doc", JSON, nullable=False),
        sa.PrimaryKeyConstraint("slice", "key"),
    )
    op.create_index(
        "ix_task_assignee",
        "task",
        ["assignee"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ix_task_due",
        "task",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_index("ix_task_key", "task", ["key"], unique=False)
    op.create_index(
        "ix_task_open",
        "task",
        ["slice", "actor"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "timer",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("slice", "key"),
    )
    op.create_index("ix_timer_actor", "timer", ["slice", "actor"], unique=False)
    op.create_index("ix_timer_due", "timer", ["slice", "due_at"], unique=False)


def _fill() -> None:
    slices = sa.table("slice", sa.column("slice"), sa.column("tries"))
    op.bulk_insert(slices, [{"slice": number, "tries": 0} for number in range(SLICES)])
    sequence = sa.table("sequence", sa.column("name"), sa.column("next"))
    op.bulk_insert(sequence, [{"name": "vouch_seq", "next": 1}])


def _tune() -> None:
    op.execute("CREATE SEQUENCE vouch_seq")
    # Updated at every drain: room on the page keeps the updates off the index.
    op.execute("ALTER TABLE slice SET (fillfactor = 10)")
    op.execute("ALTER TABLE run SET (fillfactor = 80)")
    op.execute("ALTER TABLE actor SET (fillfactor = 80)")
    # Every row is deleted soon: vacuum by number of rows, never by a share of the table.
    for table in ("inbox", "timer", "slice"):
        op.execute(
            f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 5000)"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE vouch_seq")
    for table in TABLES:
        op.drop_table(table)
