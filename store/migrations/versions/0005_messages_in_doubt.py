"""Messages in doubt have an index: the clock asks for them every second, and they are few."""

import sqlalchemy as sa
from alembic import op

from store.migrations import beside

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BESIDE_WORK = True
DOUBT = sa.text("status = 'in_doubt'")


def upgrade() -> None:
    beside.create_index("ix_outbox_doubt", "outbox", ["slice", "planned_at"], DOUBT)


def downgrade() -> None:
    op.drop_index("ix_outbox_doubt", "outbox")
