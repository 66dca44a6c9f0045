"""The first tables: events, charges, accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reservation_id", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("principal_kind", sa.String(16), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("code", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_reservation", "events", ["reservation_id"])
    op.create_index("events_by_time", "events", ["at"])
    op.execute(
        "CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are appended, never changed'); END"
    )
    op.create_table(
        "charges",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("reservation_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(800), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("charges_by_key", "charges", ["key", "at"])
    op.create_index("charges_by_reservation", "charges", ["reservation_id"])
    op.create_index("charges_by_time", "charges", ["at"])
    op.create_table(
        "accounts",
        sa.Column("username", sa.String(255), primary_key=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("groups", sa.String(2000), nullable=False),
    )
