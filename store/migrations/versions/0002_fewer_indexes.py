"""Fewer indexes on what every event writes.

Each entry of an index that is ordered by a hash costs as much as the row itself. What these
found is found by the primary key (naming all slices), by the actor, or among the open tasks.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPEN = sa.text("status = 'open'")
NO_CONTACT = sa.text("key NOT LIKE 'contact/%'")


def upgrade() -> None:
    op.drop_index("ix_decision_cause", "decision")
    op.drop_index("ix_inbox_actor", "inbox")
    op.drop_index("ix_task_key", "task")
    op.drop_index("ix_task_due", "task")
    op.drop_index("ix_task_assignee", "task")
    op.create_index(
        "ix_task_assignee",
        "task",
        ["assignee", "due_at"],
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )
    op.drop_index("ix_actor_key", "actor")
    op.create_index(
        "ix_actor_key", "actor", ["key"], postgresql_where=NO_CONTACT, sqlite_where=NO_CONTACT
    )
