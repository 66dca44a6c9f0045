"""The register of connections: what each was and did, for those who look in."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.audio.pcm import IN_RATE, OUT_RATE
from tokensvc.emulator.audio.recordings import Recording, Spool
from tokensvc.emulator.clock import Clock, rfc3339
from tokensvc.emulator.provisioning.tokens import without_handle

if TYPE_CHECKING:
    from pathlib import Path

    from tokensvc.emulator.options import Options
    from tokensvc.emulator.protocol.errors import Close
    from tokensvc.emulator.server.admission import Admission, Method
    from tokensvc.emulator.session.context import Scene


MEGABYTE = 1_000_000
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)


@dataclass
class Connection:
    """One socket, from its opening on.

    Attributes:
        state: ``opened``, ``live`` or ``closed``.
        credential: ``token``, ``key`` or ``none``.
        before: The sound of earlier connections that its context holds: (connection, bytes).
    """

    number: int
    method: Method
    credential: str
    opened: float
    heard: Recording
    said: Recording
    state: str = "opened"
    admission: Admission | None = None
    scene: Scene | None = None
    before: tuple[tuple[int, int], ...] = ()
    closed: float | None = None
    close: Close | None = None
    closed_by: str = ""
    go_aways: int = 0
    updates: int = 0
    handshake: dict[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Everything about it that is no secret, as JSON."""
        admission, scene = self.admission, self.scene
        token = admission.token if admission else None
        shown: dict[str, Any] = {
            "id": str(self.number),
            "state": self.state,
            "version": self.method.version,
            "constrained": self.method.constrained,
            "credential": self.credential,
            "handshake": self.handshake,
            "token_fingerprint": token.fingerprint if token else None,
            "opened": rfc3339(self.opened),
            "closed": rfc3339(self.closed) if self.closed else None,
            "close": {"code": self.close.code, "reason": self.close.reason} if self.close else None,
            "closed_by": self.closed_by,
            "resumed": admission is not None and admission.resumed is not None,
            "go_aways": self.go_aways,
            "resumption_updates": self.updates,
            "effective_setup": without_handle(admission.setup) if admission else None,
            "client_setup": without_handle(admission.asked) if admission else None,
            "heard": _measured(self.heard),
            "said": _measured(self.said),
        }
        if scene is not None:
            late = sorted(scene.lateness)
            shown |= {
                "counters": {**asdict(scene.counters), "audio_seconds": self.heard.seconds},
                "answers": [asdict(span) for span in scene.spans],
                "context": {
                    "tokens": scene.conversation.tokens(),
                    "tokens_by_modality": scene.conversation.by_modality(),
                    "turns": scene.conversation.turns,
                    "dropped": scene.conversation.dropped,
                    "compressions": scene.conversation.compressions,
                    "remarks": [
                        {"kind": remark.kind, "text": remark.text}
                        for remark in scene.conversation.remarks[-50:]
                    ],
                },
                "sent_messages": scene.outlet.sent,
                "lateness_ms": round(late[len(late) * 99 // 100] * 1000, 1) if late else None,
            }
        return shown


def _measured(recording: Recording) -> dict[str, float]:
    return {"bytes": recording.size, "kept": recording.kept, "seconds": recording.seconds}


class Register:
    """All connections that are open, and the last ones that were."""

    def __init__(self, clock: Clock, options: Options, folder: Path) -> None:
        self._clock = clock
        self._options = options
        self._spool = Spool(int(options.keep_total * MEGABYTE))
        self._folder = folder
        self._connections: dict[int, Connection] = {}
        self._ended: deque[int] = deque()
        self.opened = 0
        self.messages = 0

    def open(self, method: Method, credential: str) -> Connection:
        """A socket has been opened."""
        self.opened += 1
        keep = self._options.keep_audio
        connection = Connection(
            self.opened,
            method,
            credential,
            self._clock.now(),
            Recording(self._folder / f"{self.opened}.heard", IN_RATE, keep, self._spool),
            Recording(self._folder / f"{self.opened}.said", OUT_RATE, keep, self._spool),
        )
        self._connections[connection.number] = connection
        return connection

    def close(self, connection: Connection, close: Close, *, by: str) -> None:
        """It has been closed, *by* the client or the emulator."""
        connection.state = "closed"
        if connection.scene is not None:
            self.messages += connection.scene.counters.messages
        connection.closed = self._clock.now()
        connection.close, connection.closed_by = close, by
        self._ended.append(connection.number)
        while len(self._ended) > self._options.keep_sessions:
            dropped = self._connections.pop(self._ended.popleft())
            dropped.heard.discard()
            dropped.said.discard()

    def find(self, name: str) -> Connection | None:
        """The connection whose id is *name*; ``last`` is the newest one."""
        if name == "last" and self._connections:
            return self._connections[max(self._connections)]
        return self._connections.get(int(name)) if _NUMBER.fullmatch(name) else None

    def everything(self) -> list[Connection]:
        """Every connection, oldest first."""
        return list(self._connections.values())

    def context_pcm(self, connection: Connection) -> bytes:
        """The sound that the connection's context holds: earlier connections', then its own.

        What an earlier connection heard after the handle that was used is not in it.
        """
        parts = []
        for number, size in connection.before:
            earlier = self._connections.get(number)
            parts.append(earlier.heard.pcm(size) if earlier else b"")
        return b"".join([*parts, connection.heard.pcm()])
