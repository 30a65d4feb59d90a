"""How far each slice's events were emptied because of their age."""

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
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slice"),
    )
    op.bulk_insert(made, [{"slice": number, "seq": 0} for number in range(SLICES)])


def downgrade() -> None:
    op.drop_table("retention")
