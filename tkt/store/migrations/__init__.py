"""Alembic migrations, the same on SQLite and Postgres. `tkt.store.migrate` runs them."""
