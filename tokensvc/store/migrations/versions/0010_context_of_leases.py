"""Keep the values that a backend gave for a conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add a column that an earlier release does not write."""
    op.add_column("leases", sa.Column("context", sa.Text))
