"""An order of erasure names all ids of whom it is about: one order instead of one an id."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON as PG_JSON

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.Text().with_variant(PG_JSON(), "postgresql")


def upgrade() -> None:
    op.add_column("erasure", sa.Column("also", JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("erasure", "also")
