"""The store: one schema on SQLite or Postgres, its migrations, its read side and its search index."""
