"""How Alembic reaches the store: over the connection that `tkt.store.migrate` hands it, in one transaction."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from tkt.store import tables as tables
from tkt.store.migrate import declared, repeat_for_postgres

repeat_for_postgres(SQLModel.metadata)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    include_object=declared,
)
with context.begin_transaction():
    context.run_migrations()
