"""Account for tokens, not sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Replace the leases; earlier ones cannot be renewed, since their tokens are unknown."""
    op.drop_table("leases")
    op.create_table(
        "leases",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("token_id", sa.String(32), nullable=False),
        sa.Column("token_end", sa.BigInteger, nullable=False),
        sa.Column("charged_until", sa.BigInteger, nullable=False),
        sa.Column("granted_at", sa.BigInteger, nullable=False),
        sa.Column("handle", sa.String(64)),
        sa.Column("drawn_until", sa.BigInteger, nullable=False),
        sa.Column("fresh_at", sa.BigInteger, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=False),
    )
    op.create_index("leases_by_deadline", "leases", ["deadline"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("lease_id", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("place_of", sa.String(64)),
        sa.Column("counted_for", sa.String(64)),
        sa.Column("counted_until", sa.BigInteger, nullable=False),
    )
    op.create_index("tokens_by_lease", "tokens", ["lease_id", "expires_at"])
    op.create_index("tokens_by_place", "tokens", ["place_of", "counted_until"])
    op.create_index("tokens_by_holder", "tokens", ["counted_for", "counted_until"])
    op.create_index("tokens_by_time", "tokens", ["expires_at"])
