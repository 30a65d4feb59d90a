"""In which transaction the place was written: another one means that a dump was read."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hold", sa.Column("mark", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("hold", "mark")
