"""Drop the indexes that a mint pays for and little else uses."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop three, and index only the tokens whose mint has not ended by that end."""
    op.drop_index("events_by_reservation", "events")
    op.drop_index("charges_by_reservation", "charges")
    op.drop_index("tokens_by_place", "tokens")
    op.drop_index("tokens_by_opening", "tokens")
    minting = sa.text("opens_until IS NOT NULL")
    op.create_index("tokens_by_opening", "tokens", ["opens_until"], sqlite_where=minting, postgresql_where=minting)
