"""Remember what an interrupted mint gives back, and have a table to test whether writing works."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the table; mints under way during the upgrade stay charged."""
    op.add_column("tokens", sa.Column("opens_until", sa.BigInteger))
    op.add_column("tokens", sa.Column("undo", sa.Text))
    op.create_index("tokens_by_opening", "tokens", ["opens_until"])
    op.create_table("probes", sa.Column("content", sa.LargeBinary, nullable=False))
