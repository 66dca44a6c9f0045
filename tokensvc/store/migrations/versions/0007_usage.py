"""Keep what clients report, and count refusals."""

from tokensvc.store.migrations.script import run

revision = "0007"
down_revision = "0006"

TABLES = """
CREATE TABLE usage (
    lease_id VARCHAR(32) NOT NULL PRIMARY KEY, started_at BIGINT NOT NULL, issuer VARCHAR(255) NOT NULL,
    subject VARCHAR(255) NOT NULL, profile VARCHAR(64) NOT NULL, model VARCHAR(128) NOT NULL, seconds INTEGER NOT NULL,
    tokens TEXT NOT NULL, ended VARCHAR(32), rating VARCHAR(8));
CREATE INDEX usage_by_start ON usage (started_at);
CREATE TABLE refusals (
    id {NUMBER}, minute BIGINT NOT NULL, code VARCHAR(64) NOT NULL, issuer VARCHAR(255) NOT NULL,
    subject VARCHAR(255) NOT NULL, address VARCHAR(64) NOT NULL, profile VARCHAR(64) NOT NULL, count INTEGER NOT NULL);
CREATE INDEX refusals_by_time ON refusals (minute)
"""


def upgrade() -> None:
    """Add two tables."""
    run(TABLES)
