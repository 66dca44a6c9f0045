"""Resumption handles, which continue a conversation on another connection."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons

if TYPE_CHECKING:
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.options import Options

CAPACITY = 5_000  # conversations
_FORMAT = struct.Struct(">IIQ")  # connection, entries, bytes received
_SIGNATURE_BYTES = 11  # of the HMAC, which is truncated: a handle has 36 characters, like Google's


class ReceivedAudio(NamedTuple):
    """The first *size* bytes of the audio that a connection received; None is all of it."""

    connection: int
    size: int | None


@dataclass
class SavedConversation:
    """A connection's conversation, kept for as long as a handle can refer to it.

    Attributes:
        lineage: The conversation's first connection. Only one connection of a lineage may be open.
        earlier_audio: The part of the context that was spoken on earlier connections.
        handle_state: What its handles stand for: a ``snapshot``, or the session ``at_close``.
        ended: When the connection ended; None while it is open.
        locked_until: Until when it cannot be resumed although it is closed.
    """

    conversation: Conversation
    model: str
    lineage: int
    earlier_audio: tuple[ReceivedAudio, ...]
    handle_state: str
    ended: float | None = None
    locked_until: float = 0.0


@dataclass(frozen=True)
class ResumedConversation:
    """What a handle resumes."""

    conversation: Conversation
    lineage: int
    earlier_audio: tuple[ReceivedAudio, ...]


class ResumptionHandles:
    """Creates handles, and finds the conversations they refer to.

    A handle contains its position (connection, entries, bytes received) and a signature, so that
    creating one costs no memory, however often it is done.
    """

    def __init__(self, clock: Clock, options: Options) -> None:
        self._clock = clock
        self._options = options
        self._secret = secrets.token_bytes(32)
        self._saved: dict[int, SavedConversation] = {}
        self._open: set[int] = set()

    def open(self, connection: int, saved: SavedConversation) -> None:
        """Register the conversation of a connection that begins."""
        self._evict()
        self._saved[connection] = saved
        self._open.add(saved.lineage)

    def close(self, connection: int, *, idle: bool, quiet_since: float) -> None:
        """Record that a connection has ended, and whether the model was *idle* then.

        An idle session can be resumed once nothing has been sent for a while, whether that was
        before the close or after it (gemini-live-resume-test, N1 and N2).
        """
        saved = self._saved[connection]
        saved.ended = self._clock.now()
        if idle and not saved.locked_until:
            saved.locked_until = quiet_since + self._options.resume_lock
        self._open.discard(saved.lineage)

    def lock(self, connection: int, seconds: float) -> None:
        """Refuse to resume a connection's conversation for some seconds, even if it ends sooner."""
        if connection in self._saved:  # its setup has been accepted
            self._saved[connection].locked_until = self._clock.now() + seconds

    def create(self, connection: int, received: int) -> str:
        """Create a handle for the conversation as it is now, after *received* bytes of audio."""
        length = self._saved[connection].conversation.length
        position = _FORMAT.pack(connection, length, received)
        return base64.urlsafe_b64encode(position + self._sign(position)).decode()

    def lineage(self, handle: str) -> int | None:
        """Return the lineage of the conversation that *handle* refers to; None if there is none.

        Raises:
            CloseError: 1008 if it is not one of our handles.
        """
        saved = self._saved.get(self._parse(handle)[0])
        return saved.lineage if saved else None

    def resume(self, handle: str, model: str) -> ResumedConversation:
        """Return the conversation that *handle* refers to.

        Raises:
            CloseError: 1008 if the handle is unknown or expired; 1011 while the conversation is
                open on another connection, or was until a moment ago; 1007 for another model.
        """
        connection, length, received = self._parse(handle)
        saved = self._saved.get(connection)
        if saved is None:
            raise CloseError(CloseReasons.session_not_found)
        if saved.lineage in self._open or self._clock.now() < saved.locked_until:
            raise CloseError(CloseReasons.internal, self._options.refusal_delay)
        if self._expired(saved):
            raise CloseError(CloseReasons.session_expired)
        if saved.model != model:
            raise CloseError(CloseReasons.model_changed)
        heard = ReceivedAudio(connection, received)
        if saved.handle_state == "at_close":
            length, heard = saved.conversation.length, ReceivedAudio(connection, None)
        return ResumedConversation(
            saved.conversation.as_of(length),
            saved.lineage,
            (*saved.earlier_audio, heard),
        )

    def _expired(self, saved: SavedConversation) -> bool:
        return saved.ended is not None and (self._clock.now() > saved.ended + self._options.handle_life)

    def _parse(self, handle: str) -> tuple[int, int, int]:
        try:
            signed = base64.urlsafe_b64decode(handle)
        except (binascii.Error, ValueError):
            raise CloseError(CloseReasons.session_not_found) from None
        position, signature = signed[:-_SIGNATURE_BYTES], signed[-_SIGNATURE_BYTES:]
        if len(position) != _FORMAT.size or not hmac.compare_digest(signature, self._sign(position)):
            raise CloseError(CloseReasons.session_not_found)
        connection, length, received = _FORMAT.unpack(position)
        return connection, length, received

    def _sign(self, position: bytes) -> bytes:
        return hmac.digest(self._secret, position, hashlib.sha256)[:_SIGNATURE_BYTES]

    def _evict(self) -> None:
        """Drop conversations that expired long ago, and the oldest ones above the capacity.

        A recently expired handle is reported as expired, an evicted one as not found.
        """
        limit = self._clock.now() - 2 * self._options.handle_life
        # From the oldest, and only a few at a time, so that opening a connection stays fast.
        for connection, saved in list(islice(self._saved.items(), 100)):
            expired = saved.ended is not None and saved.ended < limit
            if not expired and len(self._saved) < CAPACITY:
                break
            if saved.ended is None:
                continue
            del self._saved[connection]
