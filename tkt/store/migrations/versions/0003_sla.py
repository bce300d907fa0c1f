"""What promises need further: the policy a customer or company has for itself, tickets whose promises are to be
reconsidered after a change of the configuration, steps that repeat, quiet hours, calls of webhooks, and how often a
customer has written in vain or a ticket was reopened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("company", sa.Column("sla", sa.String(), nullable=False, server_default=""))
    op.add_column("person", sa.Column("sla", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "reconsideration",
        sa.Column("ticket", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.number"]),
        sa.PrimaryKeyConstraint("ticket"),
    )
    _add_steps_that_repeat()
    _add_webhook_calls()
    op.add_column("agent", sa.Column("quiet", sa.String(), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("quiet_zone", sa.String(), nullable=False, server_default=""))
    op.add_column("ticket", sa.Column("unanswered_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("ticket", sa.Column("reopened_count", sa.Integer(), nullable=False, server_default="0"))
    op.execute(COUNT_UNANSWERED)
    op.execute(COUNT_REOPENED)


def _add_steps_that_repeat() -> None:
    """SQLite can't change a primary key: the table is made anew."""
    op.rename_table("clock_step", "clock_step_before")
    op.create_table(
        "clock_step",
        sa.Column("clock_id", ROW_ID, nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["clock.id"]),
        sa.PrimaryKeyConstraint("clock_id", "step", "n", name="pk_clock_step"),
    )
    op.execute(
        "INSERT INTO clock_step (clock_id, step, n, due_at, fired_at, skipped)"
        " SELECT clock_id, step, 1, due_at, fired_at, FALSE FROM clock_step_before"
    )
    op.drop_table("clock_step_before")


def _add_webhook_calls() -> None:
    op.create_table(
        "webhook_call",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("ticket", ROW_ID, nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("webhook", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.number"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_id"),
    )
    op.create_index("ix_webhook_call_ticket", "webhook_call", ["ticket"])
    for name, columns, where in (
        ("ix_webhook_call_next", ["next_at", "id"], "state IN ('waiting', 'sending')"),
        ("ix_webhook_call_failed", ["id"], "state = 'failed'"),
    ):
        op.create_index(name, "webhook_call", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


COUNT_UNANSWERED = """
UPDATE ticket SET unanswered_count = (
  SELECT count(*) FROM entry e
  WHERE e.ticket = ticket.number AND e.kind = 'inbound' AND e.machine = '' AND e.withdrawn_at IS NULL
    AND e.position > coalesce((
      SELECT max(r.position) FROM entry r
      WHERE r.ticket = ticket.number AND r.kind = 'reply' AND r.agent_id IS NOT NULL AND r.withdrawn_at IS NULL), 0)
) WHERE entries > 0
"""
COUNT_REOPENED = """
UPDATE ticket SET reopened_count = (
  SELECT count(*) FROM event e
  WHERE e.ticket = ticket.number AND e.field = 'resolved' AND e.undoes IS NULL
    AND CAST(e.old AS TEXT) <> 'null' AND (e.new IS NULL OR CAST(e.new AS TEXT) = 'null')
    AND NOT EXISTS (SELECT 1 FROM event u WHERE u.undoes = e.change)
) WHERE number IN (SELECT ticket FROM event WHERE field = 'resolved')
"""
