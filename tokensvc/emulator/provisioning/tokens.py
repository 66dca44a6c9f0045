"""Ephemeral tokens: minted from a request body, checked when a session begins."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons
from tokensvc.emulator.protocol.errors import InvalidPayloadError, invalid_argument
from tokensvc.emulator.protocol.field_masks import Path, apply_mask, parse_mask

if TYPE_CHECKING:
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.options import Options

PREFIX = "auth_tokens/"
DEFAULT_LIFE = 30 * 60.0
DEFAULT_WINDOW = 60.0
LONGEST_LIFE = 20 * 3600.0
# A token that ended this long ago is dropped; it is then "not found" instead of "expired".
KEEP_ENDED = 24 * 3600.0
CAPACITY = 200_000
# The oldest tokens are dropped once their requests take more than this many bytes in total.
CAPACITY_BYTES = 256 * 1024 * 1024


def fingerprint(name: str) -> str:
    """Return the SHA-256 of a token's name in hex, which identifies it without disclosing it."""
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()


@dataclass
class Token:
    """A token; its name is not stored. Times are seconds since the epoch.

    Attributes:
        number: Its number in the order of minting, from 1.
        fingerprint: SHA-256 of the name, in hex.
        request: The body it was minted with, byte for byte.
        setup: The locked setup, parsed; None if the token locks nothing.
        mask: Which of its fields are locked; empty means all.
        uses_left: Number of new sessions it may still start; None means unlimited (uses: 0).
        lineages: The conversations that it has opened.
    """

    number: int
    fingerprint: str
    request: bytes
    version: str
    created: float
    expires: float
    new_session_expires: float
    uses_left: int | None
    setup: dict[str, Any] | None
    mask: tuple[Path, ...]
    fresh_sessions: int = 0
    resumed_sessions: int = 0
    lineages: set[int] = field(default_factory=set)

    @property
    def lock(self) -> str:
        """``full``, ``masked`` or ``none``."""
        if self.mask:
            return "masked"
        return "none" if self.setup is None else "full"

    def effective_setup(self, client: dict[str, Any]) -> dict[str, Any]:
        """Return the setup that a session gets, given the *client*'s own."""
        if self.mask:
            return apply_mask(client, self.setup or {}, self.mask)
        return client if self.setup is None else self.setup


@dataclass
class TokenStore:
    """All tokens, by fingerprint."""

    clock: Clock
    options: Options
    tokens: dict[str, Token] = field(default_factory=dict)
    minted: int = 0
    _bytes: int = 0

    def mint(self, body: bytes, version: str) -> str:
        """Create a token from a request *body* and return its name.

        Raises:
            RpcError: 400 if the body is not an AuthToken that the API would accept.
        """
        try:
            message = protojson.loads(body) if body.strip() else {}
            request = protojson.parse("AuthToken", message, "auth_token")
        except InvalidPayloadError as error:
            raise invalid_argument(str(error)) from None
        now = self.clock.now()
        uses = request.get("uses", 1)
        if uses < 0:
            raise invalid_argument("uses must not be negative.")
        expires = self._end(request, "expireTime", now, DEFAULT_LIFE)
        window = self._end(request, "newSessionExpireTime", now, DEFAULT_WINDOW)
        drop_unknown = self.options.unknown_mask_paths == "accepted"
        mask = parse_mask(request.get("fieldMask", ""), drop_unknown=drop_unknown)
        name = PREFIX + secrets.token_hex(32)
        self.minted += 1
        self._bytes += len(body)
        self._evict(now)
        self.tokens[fingerprint(name)] = Token(
            number=self.minted,
            fingerprint=fingerprint(name),
            request=body,
            version=version,
            created=now,
            expires=expires,
            new_session_expires=window,
            uses_left=uses if uses > 0 else None,
            setup=request.get("bidiGenerateContentSetup"),
            mask=mask,
        )
        return name

    def find(self, name: str) -> Token:
        """Return the unexpired token named *name*.

        Raises:
            CloseError: if it is unknown or has expired.
        """
        token = self.tokens.get(fingerprint(name))
        if token is None:
            raise CloseError(CloseReasons.unknown_token)
        if self.clock.now() >= token.expires:
            raise CloseError(CloseReasons.token_expired)
        return token

    def spend(self, token: Token, *, resuming: bool) -> None:
        """Count a session that starts with *token*.

        Resuming does not count as a use, and the window for new sessions does not apply to it; only
        the token's own expiry does (ephemeral-tokens page, and measured 2026-09-18).

        Raises:
            CloseError: if the token is used up or its window has passed.
        """
        if resuming:
            token.resumed_sessions += 1
            return
        if token.uses_left == 0:
            raise CloseError(CloseReasons.used_up)
        if self.clock.now() >= token.new_session_expires:
            raise CloseError(CloseReasons.window_passed)
        if token.uses_left is not None:
            token.uses_left -= 1
        token.fresh_sessions += 1

    def _end(self, request: dict[str, Any], key: str, now: float, default: float) -> float:
        """Return the time at *key* of *request*, or *default* seconds from *now*."""
        if key not in request:
            return now + default
        end = protojson.timestamp_seconds(request[key])
        if end > now + LONGEST_LIFE:
            raise invalid_argument(f"{protojson.snake(key)} is too far in the future. Maximum lifetime is 20h")
        if end <= now:
            raise invalid_argument(f"{protojson.snake(key)} must be in the future.")
        return end

    def _evict(self, now: float) -> None:
        """Drop the two oldest tokens if there are too many, or they expired long ago.

        Two suffice, because each call is followed by one new token.
        """
        for token in list(islice(self.tokens.values(), 2)):
            full = len(self.tokens) >= CAPACITY or self._bytes > CAPACITY_BYTES
            if full or token.expires + KEEP_ENDED < now:
                del self.tokens[token.fingerprint]
                self._bytes -= len(token.request)
