"""Ephemeral tokens: minted from a request body, judged on a session's first frame."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.clock import Clock, rfc3339
from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.errors import (
    ClosedError,
    Closes,
    InvalidPayloadError,
    invalid_argument,
)
from tokensvc.emulator.protocol.field_masks import Path, overwrite, read_mask

if TYPE_CHECKING:
    from tokensvc.emulator.options import Options

PREFIX = "auth_tokens/"
LIFE = 30 * 60.0
WINDOW = 60.0
LONGEST = 20 * 3600.0
# Tokens that ended this long ago are forgotten: a token is then "not found", not "expired".
FORGET = 24 * 3600.0
CAPACITY = 200_000
# ... and the oldest, once what they were minted with takes this many bytes together.
ROOM = 256 * 1024 * 1024


def fingerprint(name: str) -> str:
    """SHA-256 of a token's name, in hex: how it is spoken of without being given away."""
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()


def without_handle(setup: dict[str, Any]) -> dict[str, Any]:
    """*setup* as it may be shown: a handle is as good as the conversation."""
    if "handle" not in setup.get("sessionResumption", {}):
        return setup
    return {**setup, "sessionResumption": {"handle": "(kept to ourselves)"}}


@dataclass
class Token:
    """What is known of a token; its name is not.

    Attributes:
        number: Its place in the order of minting, from 1.
        fingerprint: SHA-256 of the name, in hex.
        request: The body it was minted with, byte for byte.
        setup: The locked setup, read; None where the token locks nothing.
        mask: Which of its fields count; empty is all of them.
        uses_left: Fresh sessions it may still start; None is unlimited.
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

    @property
    def lock(self) -> str:
        """``full``, ``masked`` or ``none``."""
        if self.mask:
            return "masked"
        return "none" if self.setup is None else "full"

    def shown(self) -> dict[str, Any]:
        """Everything about it that is no secret, as JSON."""
        return {
            "number": self.number,
            "fingerprint": self.fingerprint,
            "version": self.version,
            "request": self.request.decode("utf-8", "replace"),
            "request_base64": base64.b64encode(self.request).decode(),
            "lock": self.lock,
            "mask": [".".join(path) for path in self.mask],
            "setup": without_handle(self.setup) if self.setup else self.setup,
            "created": rfc3339(self.created),
            "expires": rfc3339(self.expires),
            "new_session_expires": rfc3339(self.new_session_expires),
            "uses_left": self.uses_left,
            "fresh_sessions": self.fresh_sessions,
            "resumed_sessions": self.resumed_sessions,
        }

    def effective_setup(self, client: dict[str, Any]) -> dict[str, Any]:
        """What a session is held to, given the *client*'s own setup."""
        if self.mask:
            return overwrite(client, self.setup or {}, self.mask)
        return client if self.setup is None else self.setup


@dataclass
class TokenBook:
    """Every token, by fingerprint."""

    clock: Clock
    options: Options
    tokens: dict[str, Token] = field(default_factory=dict)
    minted: int = 0
    _held: int = 0

    def mint(self, body: bytes, version: str) -> str:
        """Make a token of a request *body* and return its name.

        Raises:
            RefusedError: 400 for a body that is not an AuthToken the API would take.
        """
        try:
            asked = protojson.read(
                "AuthToken", protojson.loads(body) if body.strip() else {}, "auth_token"
            )
        except InvalidPayloadError as error:
            raise invalid_argument(str(error)) from None
        now = self.clock.now()
        uses = asked.get("uses", 1)
        if uses < 0:
            raise invalid_argument("uses must not be negative.")
        expires = self._end(asked, "expireTime", now, LIFE)
        window = self._end(asked, "newSessionExpireTime", now, WINDOW)
        mask = read_mask(asked.get("fieldMask", ""), odd=self.options.odd_masks == "accepted")
        name = PREFIX + secrets.token_hex(32)
        self.minted += 1
        self._held += len(body)
        self._forget(now)
        self.tokens[fingerprint(name)] = Token(
            number=self.minted,
            fingerprint=fingerprint(name),
            request=body,
            version=version,
            created=now,
            expires=expires,
            new_session_expires=window,
            uses_left=uses if uses > 0 else None,
            setup=asked.get("bidiGenerateContentSetup"),
            mask=mask,
        )
        return name

    def find(self, name: str) -> Token:
        """The token named *name*, still alive.

        Raises:
            ClosedError: for one that is unknown or has ended.
        """
        token = self.tokens.get(fingerprint(name))
        if token is None:
            raise ClosedError(Closes.unknown_token)
        if self.clock.now() >= token.expires:
            raise ClosedError(Closes.token_expired)
        return token

    def spend(self, token: Token, *, resuming: bool) -> None:
        """Count a session that begins with *token*.

        Resuming costs no use and is not held to the window for new sessions: only the token's
        own end counts (ephemeral-tokens page, and measured 2026-09-18).

        Raises:
            ClosedError: for one that is used up or whose window has passed.
        """
        if resuming:
            token.resumed_sessions += 1
            return
        if token.uses_left == 0:
            raise ClosedError(Closes.used_up)
        if self.clock.now() >= token.new_session_expires:
            raise ClosedError(Closes.window_passed)
        if token.uses_left is not None:
            token.uses_left -= 1
        token.fresh_sessions += 1

    def _end(self, asked: dict[str, Any], key: str, now: float, default: float) -> float:
        if key not in asked:
            return now + default
        end = protojson.seconds_of(asked[key])
        if end > now + LONGEST:
            raise invalid_argument(
                f"{protojson.snake(key)} is too far in the future. Maximum lifetime is 20h"
            )
        if end <= now:
            raise invalid_argument(f"{protojson.snake(key)} must be in the future.")
        return end

    def _forget(self, now: float) -> None:
        for token in list(islice(self.tokens.values(), 2)):
            full = len(self.tokens) >= CAPACITY or self._held > ROOM
            if full or token.expires + FORGET < now:
                del self.tokens[token.fingerprint]
                self._held -= len(token.request)
