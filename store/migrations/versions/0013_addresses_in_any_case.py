"""A contact is found by an address in whatever case it is written, however many there are."""

import sqlalchemy as sa

from store.migrations import beside

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BESIDE_WORK = True
GIVEN = sa.text("email <> ''")


def upgrade() -> None:
    beside.replace_index("ix_actor_email", "actor", [sa.text("lower(email)")], GIVEN)


def downgrade() -> None:
    beside.replace_index("ix_actor_email", "actor", ["email"], GIVEN)
