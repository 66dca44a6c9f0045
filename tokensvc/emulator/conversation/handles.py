"""Resumption: handles that bring a conversation back on another connection."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from tokensvc.emulator.protocol.errors import ClosedError, Closes

if TYPE_CHECKING:
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.options import Options

CAPACITY = 5_000
AT_CLOSE = "at_close"
_FORM = struct.Struct(">QQQ")
_SEAL = 16


@dataclass
class Kept:
    """A connection's conversation, as long as a handle may ask for it.

    Attributes:
        lineage: The first connection of the conversation: one at a time may be open of it.
        before: The sound heard on the connections before this one: (connection, bytes) each.
        ended: When the connection ended; None while it is open.
    """

    conversation: Conversation
    model: str
    lineage: int
    before: tuple[tuple[int, int], ...]
    ended: float | None = None


@dataclass(frozen=True)
class Resumed:
    """What a handle brings back."""

    conversation: Conversation
    lineage: int
    before: tuple[tuple[int, int], ...]


class HandleBook:
    """The conversations that handles can reach.

    A handle states its place (connection, remarks, bytes heard) and is sealed, so that handing
    one out costs no memory, however often it is done.
    """

    def __init__(self, clock: Clock, options: Options) -> None:
        self._clock = clock
        self._options = options
        self._secret = secrets.token_bytes(32)
        self._kept: dict[int, Kept] = {}
        self._open: set[int] = set()

    def open(self, connection: int, kept: Kept) -> None:
        """A connection begins."""
        self._forget()
        self._kept[connection] = kept
        self._open.add(kept.lineage)

    def close(self, connection: int) -> None:
        """It has ended."""
        kept = self._kept[connection]
        kept.ended = self._clock.now()
        self._open.discard(kept.lineage)

    def handle(self, connection: int, heard: int) -> str:
        """A handle for the conversation as it is now, *heard* bytes into the connection."""
        return self._sealed(connection, self._kept[connection].conversation.length, heard)

    def _sealed(self, connection: int, length: int, heard: int) -> str:
        place = _FORM.pack(connection, length, heard)
        return base64.urlsafe_b64encode(place + self._seal(place)).rstrip(b"=").decode()

    def resume(self, handle: str, model: str) -> Resumed:
        """What *handle* stands for.

        Raises:
            ClosedError: 1008 for an unknown or expired one, 1011 while the conversation is open
                elsewhere, 1007 for another model.
        """
        connection, length, heard = self._read(handle)
        kept = self._kept.get(connection)
        if kept is None:
            raise ClosedError(Closes.session_not_found)
        if self._is_open(kept.lineage):
            raise ClosedError(Closes.still_open)
        if self._expired(kept):
            raise ClosedError(Closes.session_expired)
        if not self._same_model(kept, model):
            raise ClosedError(Closes.model_changed)
        if self._options.handle_state == AT_CLOSE:
            length = kept.conversation.length
        return Resumed(
            kept.conversation.as_of(length), kept.lineage, (*kept.before, (connection, heard))
        )

    def _is_open(self, lineage: int) -> bool:
        return lineage in self._open

    def _expired(self, kept: Kept) -> bool:
        return kept.ended is not None and (
            self._clock.now() > kept.ended + self._options.handle_life
        )

    def _same_model(self, kept: Kept, model: str) -> bool:
        return kept.model == model

    def _read(self, handle: str) -> tuple[int, int, int]:
        try:
            sealed = base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4))
        except (binascii.Error, ValueError):
            raise ClosedError(Closes.bad_handle) from None
        place, seal = sealed[:-_SEAL], sealed[-_SEAL:]
        if len(place) != _FORM.size or not hmac.compare_digest(seal, self._seal(place)):
            raise ClosedError(Closes.bad_handle)
        connection, length, heard = _FORM.unpack(place)
        return connection, length, heard

    def _seal(self, place: bytes) -> bytes:
        return hmac.digest(self._secret, place, hashlib.sha256)[:_SEAL]

    def _forget(self) -> None:
        """Drop what has expired, oldest first; a while later it is "not found"."""
        limit = self._clock.now() - 2 * self._options.handle_life
        for connection, kept in list(islice(self._kept.items(), 100)):
            expired = kept.ended is not None and kept.ended < limit
            if not expired and len(self._kept) < CAPACITY:
                break
            if kept.ended is None:
                continue
            del self._kept[connection]
