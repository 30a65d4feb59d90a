"""How Alembic runs our revisions: on the connection, and in the transaction, it was given."""

from alembic import context
from sqlmodel import SQLModel

import store.tables
import store.tables_beside  # noqa: F401 - both fill SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=False,  # the caller's transaction is the one
)
context.run_migrations()
