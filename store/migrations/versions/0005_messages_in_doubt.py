"""Messages in doubt have an index: the clock asks for them every second, and they are few."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DOUBT = sa.text("status = 'in_doubt'")


def upgrade() -> None:
    op.create_index(
        "ix_outbox_doubt", "outbox", ["slice", "planned_at"],
        postgresql_where=DOUBT, sqlite_where=DOUBT,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_outbox_doubt", "outbox")
