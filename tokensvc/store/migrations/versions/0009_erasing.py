"""Let an event's person be replaced by a pseudonym, and nothing else of an event be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"

REFUSAL = "events are appended, never changed"
PERSON = ("subject", "address", "details", "fingerprint")  # what names a person, or can be told from their data
# The fingerprint of a call's arguments can be guessed; that of a token cannot.
CLEARED = """
    NEW.address = 'erased' AND NEW.details IS NULL
    AND (NEW.fingerprint {same} OLD.fingerprint
         OR NEW.fingerprint IS NULL AND OLD.kind IN ('asked', 'called', 'returned'))
"""


def upgrade() -> None:
    """Replace the trigger that refuses every change."""
    if op.get_context().dialect.name == "sqlite":
        pseudonym = "'erased:" + 32 * "[0-9a-f]" + "'"
        columns = [column["name"] for column in sa.inspect(op.get_bind()).get_columns("events")]
        kept = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in columns if name not in PERSON)
        op.execute("DROP TRIGGER events_are_never_changed")
        op.execute(
            "CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events "
            f"WHEN (NEW.subject GLOB {pseudonym} AND OLD.subject NOT GLOB {pseudonym} "
            f"AND {CLEARED.format(same='IS')} AND {kept}) IS NOT TRUE "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
        return
    pseudonym = "'^erased:[0-9a-f]{32}$'"
    kept = " = ".join(f"to_jsonb({row}) - ARRAY{list(PERSON)}" for row in ("NEW", "OLD"))
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.subject ~ {pseudonym} AND OLD.subject !~ {pseudonym} "
        f"AND {CLEARED.format(same='IS NOT DISTINCT FROM')} AND {kept} THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
