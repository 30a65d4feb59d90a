"""Erasure: orders to empty what is kept of a contact, and addresses that are not written to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
OPEN = sa.text("done_at IS NULL")


def upgrade() -> None:
    text = sa.String()
    op.create_table(
        "erasure",
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("actor", text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("about", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("phone", text, nullable=False),
        sa.Column("stage", text, nullable=False),
        sa.Column("after", text, nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("slice", "actor", "at", "about"),
    )
    op.create_index(
        "ix_erasure_open", "erasure", ["slice", "at"], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_table(
        "suppression",
        sa.Column("hash", text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )


def downgrade() -> None:
    op.drop_table("suppression")
    op.drop_index("ix_erasure_open", "erasure")
    op.drop_table("erasure")
