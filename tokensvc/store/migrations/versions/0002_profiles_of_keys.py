"""An API key may be good for some profiles only."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.add_column("api_keys", sa.Column("profiles", sa.Text))
