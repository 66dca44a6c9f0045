"""Account for tokens, not sessions."""

from tokensvc.store.migrations.script import run

revision = "0003"
down_revision = "0002"

# Earlier leases cannot be renewed, since their tokens are unknown.
CHANGES = """
DROP TABLE leases;
CREATE TABLE leases (
    id VARCHAR(32) NOT NULL PRIMARY KEY, holder VARCHAR(64) NOT NULL, token_id VARCHAR(32) NOT NULL,
    token_end BIGINT NOT NULL, charged_until BIGINT NOT NULL, granted_at BIGINT NOT NULL, handle VARCHAR(64),
    drawn_until BIGINT NOT NULL, fresh_at BIGINT NOT NULL, deadline BIGINT NOT NULL);
CREATE INDEX leases_by_deadline ON leases (deadline);
CREATE TABLE tokens (
    id VARCHAR(32) NOT NULL PRIMARY KEY, lease_id VARCHAR(32) NOT NULL, expires_at BIGINT NOT NULL,
    place_of VARCHAR(64), counted_for VARCHAR(64), counted_until BIGINT NOT NULL);
CREATE INDEX tokens_by_lease ON tokens (lease_id, expires_at);
CREATE INDEX tokens_by_place ON tokens (place_of, counted_until);
CREATE INDEX tokens_by_holder ON tokens (counted_for, counted_until);
CREATE INDEX tokens_by_time ON tokens (expires_at)
"""


def upgrade() -> None:
    """Replace the leases, and add the tokens."""
    run(CHANGES)
