"""The order of erasure that waits longest is found by an index, however many wait."""

import sqlalchemy as sa
from alembic import op

from store.migrations import beside

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BESIDE_WORK = True
OPEN = sa.text("done_at IS NULL")


def upgrade() -> None:
    beside.create_index("ix_erasure_waits", "erasure", ["at", "actor"], OPEN)
    beside.drop_index("ix_erasure_open", "erasure")


def downgrade() -> None:
    beside.create_index("ix_erasure_open", "erasure", ["slice", "at"], OPEN)
    op.drop_index("ix_erasure_waits", "erasure")
