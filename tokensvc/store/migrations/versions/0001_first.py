"""Create the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reservation_id", sa.String(32)),
        sa.Column("lease_id", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("principal_kind", sa.String(16), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("model", sa.String(128)),
        sa.Column("renewal", sa.Integer),
        sa.Column("seconds", sa.Integer),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("code", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_reservation", "events", ["reservation_id"])
    op.create_index("events_by_time", "events", ["at"])
    op.create_index("events_by_subject", "events", ["issuer", "subject", "at"])
    op.create_table(
        "charges",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("reservation_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("charges_by_key", "charges", ["key", "at"])
    op.create_index("charges_by_reservation", "charges", ["reservation_id"])
    op.create_index("charges_by_time", "charges", ["at"])
    op.create_table(
        "spending",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("seconds", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("charged_until", sa.BigInteger, nullable=False),
        sa.Column("live_until", sa.BigInteger, nullable=False),
        sa.Column("deadline", sa.BigInteger, nullable=False),
    )
    op.create_index("leases_by_holder", "leases", ["holder", "live_until"])
    op.create_index("leases_by_deadline", "leases", ["deadline"])
    op.create_table(
        "blocks",
        sa.Column("key", sa.String(800), primary_key=True),
        sa.Column("until", sa.BigInteger),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("username", sa.String(255), primary_key=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
    )
    op.create_table(
        "logins",
        sa.Column("cookie_hash", sa.String(64), primary_key=True),
        sa.Column("login_id", sa.String(32), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("replaced_at", sa.BigInteger),
    )
    op.create_index("logins_by_login", "logins", ["login_id"])
    op.create_index("logins_by_username", "logins", ["username"])
    op.create_index("logins_by_expiry", "logins", ["expires_at"])
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    _forbid_changes()


def _forbid_changes() -> None:
    """Make the database itself reject changes to events."""
    refusal = "events are appended, never changed"
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
