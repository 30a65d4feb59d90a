"""Webhooks that no entry of their source takes are kept, so that they can be mapped later."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    text = sa.String()
    op.create_table(
        "unmapped",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("delivery", text, nullable=False),
        sa.Column("body", text, nullable=False),
        sa.Column("headers", text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("ix_unmapped_source", "unmapped", ["source", "seq"])


def downgrade() -> None:
    op.drop_index("ix_unmapped_source", "unmapped")
    op.drop_table("unmapped")
