"""What mail needs further: how we stand with an address, watchers, further teams, muted notifications, logos."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "address_state",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("automatic_since", sa.BigInteger(), nullable=True),
        sa.Column("automatic_count", sa.Integer(), nullable=False),
        sa.Column("bounced_at", sa.BigInteger(), nullable=True),
        sa.Column("bounced", sa.String(), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=True),
        sa.Column("blocked_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.drop_column("address", "acknowledged_at")  # a limit of the last hour: nothing is lost with it
    op.drop_column("address", "acknowledged_count")
    op.create_table(
        "watcher",
        sa.Column("ticket", ROW_ID, nullable=False),
        sa.Column("agent_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.number"]),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("ticket", "agent_id"),
    )
    op.create_index("ix_watcher_agent_id", "watcher", ["agent_id"])
    op.create_table(
        "ticket_team",
        sa.Column("ticket", ROW_ID, nullable=False),
        sa.Column("team_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["ticket.number"]),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"]),
        sa.PrimaryKeyConstraint("ticket", "team_id"),
    )
    op.create_index("ix_ticket_team_team_id", "ticket_team", ["team_id"])
    op.add_column("agent", sa.Column("muted", DOCUMENT, nullable=False, server_default="[]"))
    op.add_column("attachment", sa.Column("logo", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_attachment_digest", "attachment", ["digest"])
    op.add_column("mailbox_state", sa.Column("failing_since", sa.BigInteger(), nullable=True))
    op.add_column("mailbox_state", sa.Column("next_at", sa.BigInteger(), nullable=True))
