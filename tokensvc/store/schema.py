"""The tables. Times are whole microseconds since the epoch, UTC: exact, and ordered as they are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table

metadata = MetaData()

# The audit: appended to, never changed (a trigger refuses it).
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),  # reserved, granted, refunded
    Column("reservation_id", String(32), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("principal_kind", String(16), nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("address", String(64), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("model", String(128), nullable=False),
    Column("fingerprint", String(64)),  # SHA-256 of the token, with granted
    Column("expires_at", BigInteger),  # the token's end, with granted
    Column("code", String(64)),  # why, with refunded
    Index("events_by_reservation", "reservation_id"),
    Index("events_by_time", "at"),
    sqlite_autoincrement=True,
)

# What the limits count: a row for each grant, and each limit's key, still within a window.
charges = Table(
    "charges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reservation_id", String(32), nullable=False),
    Column("key", String(800), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("charges_by_key", "key", "at"),
    Index("charges_by_reservation", "reservation_id"),
    Index("charges_by_time", "at"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("username", String(255), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("groups", String(2000), nullable=False),  # words
)
