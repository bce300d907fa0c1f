"""desk.toml: checked with line and column, compared with the store in words, applied in one transaction,
shown again.

`check` reads a text and reports every mistake at once; `plan` says in words what would change; `apply`
changes it inside the caller's transaction; `dump` writes the current state as a desk.toml whose plan is
empty. The file is the whole truth: what it no longer names is retired, never deleted.

Leaves to others: who may apply (`tkt.desk`), printing (`tkt.cli`), and what follows from a changed calendar
or policy (`tkt.sla`).
"""
