"""Record the calls of server tools."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add a table, and a column that an earlier release does not write."""
    op.add_column("events", sa.Column("details", sa.Text))
    op.create_table(
        "tool_calls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("lease_id", sa.String(32), nullable=False),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("key", sa.String(64)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("ends_by", sa.BigInteger, nullable=False),
        sa.Column("cancelled", sa.Integer, nullable=False),
        sa.Column("pending", sa.String(64)),
        sa.Column("prepared", sa.Text),
        sa.Column("answer", sa.Text),
        sa.Column("deadline", sa.BigInteger, nullable=False),
    )
    op.create_index("tool_calls_by_lease", "tool_calls", ["lease_id", "tool", "at"])
    op.create_index("tool_calls_by_deadline", "tool_calls", ["deadline"])
