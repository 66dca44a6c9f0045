"""Create the first tables."""

from alembic import op

from tokensvc.store.migrations.script import run

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE events (
    id {NUMBER} {ONCE}, at BIGINT NOT NULL, kind VARCHAR(16) NOT NULL, reservation_id VARCHAR(32),
    lease_id VARCHAR(32) NOT NULL, request_id VARCHAR(64) NOT NULL, principal_kind VARCHAR(16) NOT NULL,
    issuer VARCHAR(255) NOT NULL, subject VARCHAR(255) NOT NULL, address VARCHAR(64) NOT NULL,
    profile VARCHAR(64) NOT NULL, model VARCHAR(128), renewal INTEGER, seconds INTEGER, fingerprint VARCHAR(64),
    expires_at BIGINT, code VARCHAR(64));
CREATE INDEX events_by_reservation ON events (reservation_id);
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_subject ON events (issuer, subject, at);
CREATE TABLE charges (
    id {NUMBER}, reservation_id VARCHAR(32) NOT NULL, key VARCHAR(64) NOT NULL, at BIGINT NOT NULL);
CREATE INDEX charges_by_key ON charges (key, at);
CREATE INDEX charges_by_reservation ON charges (reservation_id);
CREATE INDEX charges_by_time ON charges (at);
CREATE TABLE spending (
    key VARCHAR(64) NOT NULL, day INTEGER NOT NULL, seconds BIGINT NOT NULL, PRIMARY KEY (key, day));
CREATE TABLE leases (
    id VARCHAR(32) NOT NULL PRIMARY KEY, holder VARCHAR(64) NOT NULL, charged_until BIGINT NOT NULL,
    live_until BIGINT NOT NULL, deadline BIGINT NOT NULL);
CREATE INDEX leases_by_holder ON leases (holder, live_until);
CREATE INDEX leases_by_deadline ON leases (deadline);
CREATE TABLE blocks (key VARCHAR(800) NOT NULL PRIMARY KEY, until BIGINT, at BIGINT NOT NULL);
CREATE TABLE accounts (
    username VARCHAR(255) NOT NULL PRIMARY KEY, password_hash VARCHAR(255) NOT NULL, groups TEXT NOT NULL);
CREATE TABLE logins (
    cookie_hash VARCHAR(64) NOT NULL PRIMARY KEY, login_id VARCHAR(32) NOT NULL, username VARCHAR(255) NOT NULL,
    expires_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, replaced_at BIGINT);
CREATE INDEX logins_by_login ON logins (login_id);
CREATE INDEX logins_by_username ON logins (username);
CREATE INDEX logins_by_expiry ON logins (expires_at);
CREATE TABLE api_keys (
    name VARCHAR(64) NOT NULL PRIMARY KEY, key_hash VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL,
    UNIQUE (key_hash))
"""


def upgrade() -> None:
    """Create the tables, and make the database itself reject changes to events."""
    run(TABLES)
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
