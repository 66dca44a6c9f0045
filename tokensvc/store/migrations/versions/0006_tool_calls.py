"""Record the calls of server tools."""

from tokensvc.store.migrations.script import run

revision = "0006"
down_revision = "0005"

CHANGES = """
ALTER TABLE events ADD COLUMN details TEXT;
CREATE TABLE tool_calls (
    id VARCHAR(64) NOT NULL PRIMARY KEY, lease_id VARCHAR(32) NOT NULL, tool VARCHAR(64) NOT NULL, key VARCHAR(64),
    at BIGINT NOT NULL, ends_by BIGINT NOT NULL, cancelled INTEGER NOT NULL, pending VARCHAR(64), prepared TEXT,
    answer TEXT, deadline BIGINT NOT NULL);
CREATE INDEX tool_calls_by_lease ON tool_calls (lease_id, tool, at);
CREATE INDEX tool_calls_by_deadline ON tool_calls (deadline)
"""


def upgrade() -> None:
    """Add a table, and a column that an earlier release does not write."""
    run(CHANGES)
