"""The book is append-only: a line once booked is neither changed nor deleted.

What is taken back, lapses or is transferred is another line. The database says so itself, to
whoever connects to it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SAID = "the book is append-only: book another line"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION vouch_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{_SAID}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON ledger"
            " FOR EACH ROW EXECUTE FUNCTION vouch_append_only()"
        )
        return
    for what in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER ledger_no_{what} BEFORE {what.upper()} ON ledger"
            f" BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER ledger_append_only ON ledger")
        op.execute("DROP FUNCTION vouch_append_only()")
        return
    for what in ("update", "delete"):
        op.execute(f"DROP TRIGGER ledger_no_{what}")
