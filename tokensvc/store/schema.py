"""Defines the tables. Times are whole microseconds since the epoch, UTC, so that they are exact."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData()
REVISION = "0010"  # the newest migration; one that removes what this release uses would be “1000”


def fault_of(found: str | None) -> str | None:
    """Return why this release cannot use a store with the schema *found*; None if it can: a later one may only add."""
    if found is None:
        return "it is not a tokensvc store, or is empty: run “tokensvc db upgrade” to make it one"
    if found < REVISION:
        return f"its schema ({found}) is older than this release ({REVISION}): run “tokensvc db upgrade”"
    if found[:1] != REVISION[:1]:
        return (
            f"its schema ({found}) is of a newer release, which removed something that this one ({REVISION}) uses: "
            "install that release, or restore a backup"
        )
    return None


# SQLite numbers rows automatically only if the column is an INTEGER.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# The audit: rows are only appended; a trigger rejects every change but a pseudonym in a person's place (erasing.py).
events = Table(
    "events",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),  # domain.EventKind
    Column("reservation_id", String(32)),
    Column("lease_id", String(32), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("principal_kind", String(16), nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("address", String(64), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("model", String(128)),
    Column("renewal", Integer),  # 1 for a renewal, 0 for a new lease
    Column("seconds", Integer),  # charged to the budgets, or refunded
    Column("fingerprint", String(64)),  # SHA-256 of the token; only for granted
    Column("expires_at", BigInteger),  # the token's end; only for granted
    Column("code", String(64)),  # the reason of a refund; of a call, the tool or the outcome
    Column("details", Text),  # the arguments of a call, where a profile has them kept; what was erased
    Index("events_by_time", "at"),
    Index("events_by_subject", "issuer", "subject", "at"),
    sqlite_autoincrement=True,
)

# What the limits count: a row for each reservation and key, until the longest window has passed.
charges = Table(
    "charges",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("reservation_id", String(32), nullable=False),
    Column("key", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("charges_by_key", "key", "at"),
    Index("charges_by_time", "at"),
)

# What the budgets count: seconds of conversation by key and day (UTC).
spending = Table(
    "spending",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),  # days since the epoch
    Column("seconds", BigInteger, nullable=False),
)

# One row for each lease that may be renewed: domain.LeaseState.
leases = Table(
    "leases",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("token_id", String(32), nullable=False),
    Column("token_end", BigInteger, nullable=False),
    Column("charged_until", BigInteger, nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("handle", String(64)),  # SHA-256 of Google's handle
    Column("drawn_until", BigInteger, nullable=False),
    Column("fresh_at", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),  # the lease's end
    Column("context", Text),  # JSON: values for the instruction; null: none
    Index("leases_by_deadline", "deadline"),
)

# One row for each token that may still be in use. Each index costs every mint a page to write.
_MINTING = text("opens_until IS NOT NULL")
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),  # its reservation's id
    Column("lease_id", String(32), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # The holder whose place it takes, and the one for whom it counts even after /lease/end has
    # freed the place; both until *counted_until*, the end of the last token whose place it took.
    Column("place_of", String(64)),
    Column("counted_for", String(64)),
    Column("counted_until", BigInteger, nullable=False),
    # Null once its mint has ended: until when it could be opened, and what undoes its reservation.
    Column("opens_until", BigInteger),
    Column("undo", Text),  # JSON: refunds.recipe
    Index("tokens_by_lease", "lease_id", "expires_at"),
    Index("tokens_by_holder", "counted_for", "counted_until"),
    Index("tokens_by_time", "expires_at"),
    Index("tokens_by_opening", "opens_until", sqlite_where=_MINTING, postgresql_where=_MINTING),
)

# Calls of server tools: each runs once, and its answer is kept for as long as the lease.
tool_calls = Table(
    "tool_calls",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the lease and the model's id of the call
    Column("lease_id", String(32), nullable=False),
    Column("tool", String(64), nullable=False),
    Column("key", String(64)),  # what makes two calls the same: a SHA-256
    Column("at", BigInteger, nullable=False),
    Column("ends_by", BigInteger, nullable=False),  # if it has no answer by then, its process has died
    Column("cancelled", Integer, nullable=False),  # 1 if nobody waits for the answer
    # While it waits to be confirmed: half of the SHA-256 of the id that confirms it, and half of its arguments'.
    Column("pending", String(64)),
    Column("prepared", Text),  # JSON: what the first of its two steps returned
    Column("answer", Text),  # JSON; null until it has returned
    Column("deadline", BigInteger, nullable=False),  # the lease's end
    Index("tool_calls_by_lease", "lease_id", "tool", "at"),
    Index("tool_calls_by_deadline", "deadline"),
)

# What clients say of their conversations: never used for a limit. One row for each that reports.
usage = Table(
    "usage",
    metadata,
    Column("lease_id", String(32), primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("tokens", Text, nullable=False),  # JSON: counts by side and modality
    Column("ended", String(32)),  # how, in a word
    Column("rating", String(8)),  # good, bad
    Index("usage_by_start", "started_at"),
)

# Refusals, counted: a row for each minute, code, person and address.
refusals = Table(
    "refusals",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("minute", BigInteger, nullable=False),
    Column("code", String(64), nullable=False),
    Column("issuer", String(255), nullable=False),  # empty where it is not known who asked
    Column("subject", String(255), nullable=False),
    Column("address", String(64), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    Index("refusals_by_time", "minute"),
)

# What is blocked: everyone, guests, a profile, a person, an issuer or a lease.
blocks = Table(
    "blocks",
    metadata,
    Column("key", String(800), primary_key=True),
    Column("until", BigInteger),  # null: until it is lifted
    Column("at", BigInteger, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("username", String(255), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("groups", Text, nullable=False),  # separated by spaces
)

# Logins to accounts, one row for each cookie; only the cookie's hash is kept.
logins = Table(
    "logins",
    metadata,
    Column("cookie_hash", String(64), primary_key=True),
    Column("login_id", String(32), nullable=False),  # shared by all cookies of a login
    Column("username", String(255), nullable=False),
    Column("expires_at", BigInteger, nullable=False),  # of this cookie
    Column("ends_at", BigInteger, nullable=False),  # of the login, at the latest
    Column("replaced_at", BigInteger),  # when the next cookie was issued
    Index("logins_by_login", "login_id"),
    Index("logins_by_username", "username"),
    Index("logins_by_expiry", "expires_at"),
)

# Backends' API keys; only their hashes are kept.
api_keys = Table(
    "api_keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("profiles", Text),  # separated by spaces; null: any
)

# Written to find out whether the store can be written.
probes = Table("probes", metadata, Column("content", LargeBinary, nullable=False))
