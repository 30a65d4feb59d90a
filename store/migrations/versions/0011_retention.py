"""How far each slice's events were emptied because of their age, and its decisions deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SLICES = 64


def upgrade() -> None:
    made = op.create_table(
        "retention",
        sa.Column("slice", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("decision_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slice"),
    )
    nothing = {"event_seq": 0, "decision_seq": 0}
    op.bulk_insert(made, [{"slice": number, **nothing} for number in range(SLICES)])


def downgrade() -> None:
    op.drop_table("retention")
