"""A greedy client and Google, played by the emulator, to measure the sessions it holds open."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tokensvc.emulator.clock import rfc3339
from tokensvc.emulator.conversation.context import Conversation
from tokensvc.emulator.conversation.handles import ResumptionHandles, SavedConversation
from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons
from tokensvc.emulator.provisioning.credentials import ApiKeys, Credentials
from tokensvc.emulator.provisioning.tokens import TokenStore
from tokensvc.emulator.server.admission import AdmissionControl, Method

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.sync.client import ClientConnection

    from tokensvc.emulator.background import BackgroundEmulator
    from tokensvc.emulator.options import Options

MODEL = "models/gemini-3.8-live"
SETUP = {"model": MODEL, "generationConfig": {"responseModalities": ["AUDIO"]}}
METHOD = Method("v1beta", constrained=True)
CONNECT_WITHIN = 60  # seconds
# Refusals that the client may provoke; any other is a bug in the test.
EXPECTED = {
    CloseReasons.internal,  # the conversation is open
    CloseReasons.used_up,
    CloseReasons.window_passed,
    CloseReasons.session_not_found,
}


def token_body(ends: float, now: float, handle: str | None) -> bytes:
    """Return the body of the service's mint request: a full lock with the handle in it."""
    resumption = {} if handle is None else {"handle": handle}
    return json.dumps(
        {
            "uses": 1,
            "expireTime": rfc3339(ends),
            "newSessionExpireTime": rfc3339(min(ends, now + CONNECT_WITHIN)),
            "bidiGenerateContentSetup": {**SETUP, "sessionResumption": resumption},
        }
    ).encode()


def first_frame(handle: str | None) -> str:
    """Return the client's setup message, which resumes by *handle*."""
    resumption = {} if handle is None else {"sessionResumption": {"handle": handle}}
    return json.dumps({"setup": {**SETUP, **resumption}})


@dataclass
class Token:
    """A token that the client holds; *lease* is the one it was granted for."""

    name: str = field(repr=False)
    lease: str
    ends: float
    handle: str | None
    spent: bool = False


@dataclass
class Session:
    """A conversation at Google, open since *opened* with *token* if that is not None."""

    number: int
    handle: str = ""
    token: Token | None = None
    opened: float = 0
    closed: float = 0


class Google:
    """The emulator without its sockets: its tokens, handles and admission control.

    A token with less than *margin* seconds left is not used: real time may pass before it is.
    """

    margin = 0.0

    def __init__(self, now: Callable[[], float], options: Options) -> None:
        self.now = now
        self.tokens = TokenStore(self, options)
        self.handles = ResumptionHandles(self, options)
        self.admission_control = AdmissionControl(options, ApiKeys(), self.tokens, self.handles)
        self.connections = 0

    def mint(self, ends: float, handle: str | None) -> str:
        """Create a token and return its name."""
        return self.tokens.mint(token_body(ends, self.now(), handle), "v1beta")

    def open(self, token: str, handle: str | None = None) -> tuple[int, int] | None:
        """Open a connection and return its number and its conversation's, or None if refused."""
        try:
            admitted = self.admission_control.admit(first_frame(handle), Credentials(token=token), METHOD)
        except CloseError as refused:
            if refused.close not in EXPECTED:
                raise
            return None
        self.connections += 1
        resumed = admitted.resumed
        conversation = resumed.conversation if resumed else Conversation(0, self.now())
        lineage = resumed.lineage if resumed else self.connections
        before = resumed.earlier_audio if resumed else ()
        saved = SavedConversation(conversation, MODEL, lineage, before, "at_close")
        self.handles.open(self.connections, saved)
        return self.connections, lineage

    def handle(self, connection: int) -> str:
        """Return the current handle of a connection."""
        return self.handles.create(connection, 0)

    def close(self, connection: int) -> None:
        """Close a connection, as the client does or as the emulator does when a token expires."""
        self.handles.close(connection, idle=True, quiet_since=self.now())


@dataclass
class Client:
    """Keeps as many sessions open as its tokens allow, for as long as they allow.

    *held* is the seconds that sessions were open, by the lease of the token they were open with.
    """

    google: Google
    unlocked_resume: bool  # whether a handle in the client's setup is honoured under a full lock
    tokens: list[Token] = field(default_factory=list)
    sessions: dict[int, Session] = field(default_factory=dict)
    held: dict[str, float] = field(default_factory=dict)
    _connections: dict[int, int] = field(default_factory=dict)  # by session

    @property
    def live(self) -> list[Session]:
        """The sessions that are open."""
        return [session for session in self.sessions.values() if session.token is not None]

    @property
    def idle(self) -> list[Session]:
        """The sessions that are closed and could be resumed."""
        return [session for session in self.sessions.values() if session.token is None]

    def receive(self, token: Token) -> None:
        """Take a granted token and use it."""
        self.tokens.append(token)
        self.use_all()

    def use_all(self) -> None:
        """Open every session that can be opened now."""
        self.expire()
        in_use = {id(session.token) for session in self.live}
        for token in self.tokens:
            if token.handle is None and not token.spent:
                token.spent = True
                self._open(token, None)
            elif token.handle is not None and id(token) not in in_use:
                self._open(token, None)
        if self.unlocked_resume:
            for token in [token for token in self.tokens if token.handle is None]:
                for session in self.idle:
                    self._open(token, session.handle)

    def expire(self) -> None:
        """Close the sessions whose token has expired, and drop expired tokens."""
        now = self.google.now()
        for session in self.live:
            assert session.token is not None
            if session.token.ends <= now:
                self.close(session, at=session.token.ends)
        self.tokens = [token for token in self.tokens if token.ends > now + self.google.margin]

    def close(self, session: Session, at: float | None = None) -> None:
        """Close a session and count its seconds."""
        token = session.token
        assert token is not None
        self.google.close(self._connections.pop(session.number))
        session.closed = self.google.now() if at is None else at
        self.held[token.lease] = self.held.get(token.lease, 0) + session.closed - session.opened
        session.token = None

    def _open(self, token: Token, handle: str | None) -> None:
        opened = self.google.open(token.name, handle)
        if opened is None:
            return
        connection, lineage = opened
        session = self.sessions.setdefault(lineage, Session(lineage))
        assert session.token is None, "two sockets on one conversation"
        session.token, session.opened = token, self.google.now()
        session.handle = self.google.handle(connection)
        self._connections[lineage] = connection


class Sockets(Google):
    """Google beside a running emulator: both get every request and must agree."""

    margin = 1.0

    def __init__(self, emulator: BackgroundEmulator, options: Options) -> None:
        self._emulator = emulator
        self._closing = ExitStack()
        self._skipped = 0.0
        self._sockets: dict[int, ClientConnection] = {}
        self._ends: dict[str | int, float] = {}  # by token and by connection
        self._names: dict[str, str] = {}  # of tokens and handles: ours to the emulator's
        self.opened = self.refused = 0
        super().__init__(lambda: time.time() + self._skipped, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def reach(self, moment: float) -> None:
        """Advance the clock to *moment*."""
        seconds = max(0.0, moment - self.now())
        self._skipped += seconds
        self._emulator.skip(seconds)

    def mint(self, ends: float, handle: str | None) -> str:
        name = super().mint(ends, handle)
        handle = handle and self._names.get(handle, handle)
        self._names[name] = self._emulator.mint(token_body(ends, self.now(), handle))
        self._ends[name] = ends
        return name

    def open(self, token: str, handle: str | None = None) -> tuple[int, int] | None:
        opened = super().open(token, handle)
        url = f"{self._emulator.websocket_url()}?access_token={self._names[token]}"
        socket = self._closing.enter_context(connect(url, compression=None, max_queue=None, close_timeout=1))
        socket.send(first_frame(handle and self._names.get(handle, handle)))
        try:
            frames = [json.loads(socket.recv(10)) for _ in range(2)]
        except ConnectionClosed:
            assert opened is None
            self.refused += 1
            return None
        assert opened is not None
        self.opened += 1
        connection, _ = opened
        self._sockets[connection] = socket
        self._ends[connection] = self._ends[token]
        self._names[self.handle(connection)] = frames[1]["sessionResumptionUpdate"]["newHandle"]
        return opened

    def close(self, connection: int) -> None:
        super().close(connection)
        socket = self._sockets.pop(connection)
        if self._ends[connection] <= self.now():
            with suppress(ConnectionClosed):  # the emulator closes the connection
                while True:
                    socket.recv(10)
            assert socket.close_reason == CloseReasons.expired_mid_session.reason
        socket.close()
