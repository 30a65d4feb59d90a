"""Fewer indexes on what every event writes.

Each entry of an index that is ordered by a hash costs as much as the row itself. What these
found is found by the primary key (naming all slices), by the actor, or among the open tasks.
"""

import sqlalchemy as sa

from store.migrations import beside

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BESIDE_WORK = True
OPEN = sa.text("status = 'open'")
NO_CONTACT = sa.text("key NOT LIKE 'contact/%'")


def upgrade() -> None:
    beside.drop_index("ix_decision_cause", "decision")
    beside.drop_index("ix_inbox_actor", "inbox")
    beside.drop_index("ix_task_key", "task")
    beside.drop_index("ix_task_due", "task")
    beside.replace_index("ix_task_assignee", "task", ["assignee", "due_at"], OPEN)
    beside.replace_index("ix_actor_key", "actor", ["key"], NO_CONTACT)
