"""Let an API key be limited to some profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("api_keys", sa.Column("profiles", sa.Text))
