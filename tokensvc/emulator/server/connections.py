"""Records of the open connections, and of the last ones that closed."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tokensvc.emulator.audio.pcm import IN_RATE, OUT_RATE
from tokensvc.emulator.audio.recordings import DiskBudget, Recording

if TYPE_CHECKING:
    from pathlib import Path

    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.conversation.handles import ReceivedAudio
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.protocol.close_reasons import Close
    from tokensvc.emulator.server.admission import Admission, Method
    from tokensvc.emulator.session.context import SessionContext


MEGABYTE = 1_000_000
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)


@dataclass
class ConnectionRecord:
    """What is known about one WebSocket connection.

    Attributes:
        state: ``opened``, ``live`` or ``closed``.
        credential: ``token``, ``key`` or ``none``.
        heard: The audio received.
        said: The audio sent.
        earlier_audio: The part of the context that was spoken on earlier connections.
    """

    number: int
    method: Method
    credential: str
    opened: float  # Unix seconds
    heard: Recording
    said: Recording
    state: str = "opened"
    admission: Admission | None = None
    session: SessionContext | None = None
    earlier_audio: tuple[ReceivedAudio, ...] = ()
    closed: float | None = None  # Unix seconds
    close: Close | None = None
    closed_by: str = ""  # “client” or “emulator” once closed
    handshake: dict[str, str] = field(default_factory=dict)


class Connections:
    """The open connections, and as many closed ones as the options say.

    Attributes:
        opened: Number of connections ever opened.
        messages: Number of messages received on closed connections.
    """

    def __init__(self, clock: Clock, options: Options, folder: Path) -> None:
        self._clock = clock
        self._options = options
        self._disk = DiskBudget(int(options.keep_total * MEGABYTE))
        self._folder = folder
        self._records: dict[int, ConnectionRecord] = {}
        self._closed: deque[int] = deque()
        self.opened = 0
        self.messages = 0

    def open(self, method: Method, credential: str) -> ConnectionRecord:
        """Create the record of a new connection."""
        self.opened += 1
        keep = self._options.keep_audio
        record = ConnectionRecord(
            self.opened,
            method,
            credential,
            self._clock.now(),
            Recording(self._folder / f"{self.opened}.heard", IN_RATE, keep, self._disk),
            Recording(self._folder / f"{self.opened}.said", OUT_RATE, keep, self._disk),
        )
        self._records[record.number] = record
        return record

    def close(self, record: ConnectionRecord, close: Close, *, by: str) -> None:
        """Record that a connection was closed *by* the client or the emulator."""
        record.state = "closed"
        if record.session is not None:
            self.messages += record.session.counters.messages
        record.closed = self._clock.now()
        record.close, record.closed_by = close, by
        self._closed.append(record.number)
        while len(self._closed) > self._options.keep_sessions:
            dropped = self._records.pop(self._closed.popleft())
            dropped.heard.discard()
            dropped.said.discard()

    def find(self, name: str) -> ConnectionRecord | None:
        """Return the connection whose id is *name*; ``last`` is the newest one."""
        if name == "last" and self._records:
            return self._records[max(self._records)]
        return self._records.get(int(name)) if _NUMBER.fullmatch(name) else None

    def all(self) -> list[ConnectionRecord]:
        """Return all connections, oldest first."""
        return list(self._records.values())

    def context_pcm(self, record: ConnectionRecord) -> bytes:
        """Return the audio in a connection's context: earlier connections', then its own.

        Audio that an earlier connection received after the handle was created is not included.
        """
        parts = []
        for number, size in record.earlier_audio:
            earlier = self._records.get(number)
            parts.append(earlier.heard.pcm(size) if earlier else b"")
        return b"".join([*parts, record.heard.pcm()])
