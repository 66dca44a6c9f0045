"""An emulator in a background thread, for tests and scripts that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from tokensvc.emulator.faults.fault import read_fault
from tokensvc.emulator.server.emulator import SERVICE, Emulator
from tokensvc.emulator.server.inspection import session_view, token_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from tokensvc.emulator.options import Options
    from tokensvc.emulator.responses.steps import Responder
    from tokensvc.emulator.server.emulator import ListenConfig

T = TypeVar("T")
TIMEOUT = 10.0  # seconds
POLL_INTERVAL = 0.01  # seconds


class BackgroundEmulator:
    """An emulator that runs in its own thread, as a context manager.

    Args:
        options: See `Options`.
        responder: Decides on the answers; by default an `EchoResponder`.
        listen: Where to listen; by default on a free port of 127.0.0.1.

    Raises:
        OSError: on entering, if the port is in use.
    """

    def __init__(
        self,
        options: Options | None = None,
        responder: Responder | None = None,
        listen: ListenConfig | None = None,
    ) -> None:
        self._arguments = (options, responder, listen)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-emulator", daemon=True)
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address, as a Google SDK accepts it for its ``base_url``."""
        return self._emulator.url

    @property
    def certificate_file(self) -> Path:
        """With TLS, the certificate that clients have to trust."""
        return self._emulator.certificate_file

    def websocket_url(self, version: str = "v1beta", *, constrained: bool = True) -> str:
        """Return the address of the Live WebSocket; the constrained method is for tokens."""
        method = "BidiGenerateContent" + ("Constrained" if constrained else "")
        root = self.url.replace("http", "ws", 1)
        return f"{root}/ws/{SERVICE}.{version}.GenerativeService.{method}"

    def sessions(self) -> list[dict[str, Any]]:
        """Return all connections, oldest first, as `GET /emulator/sessions` does."""
        return self._call(lambda: [session_view(one) for one in self._emulator.connections.all()])

    def tokens(self) -> list[dict[str, Any]]:
        """Return all tokens, oldest first, as `GET /emulator/tokens` does."""
        return self._call(lambda: [token_view(token) for token in self._emulator.tokens.tokens.values()])

    def mint(self, body: bytes = b"", version: str = "v1beta") -> str:
        """Mint a token, as `POST /{version}/auth_tokens` does, and return its name."""
        return self._call(lambda: self._emulator.tokens.mint(body, version))

    def heard(self, index: int = -1) -> bytes:
        """Return the PCM received on a connection (16 kHz), by default on the last one."""
        return self._call(lambda: self._emulator.connections.all()[index].heard.pcm(None))

    def said(self, index: int = -1) -> bytes:
        """Return the PCM sent on a connection (24 kHz), by default on the last one."""
        return self._call(lambda: self._emulator.connections.all()[index].said.pcm(None))

    def skip(self, seconds: float) -> None:
        """Move the emulator's clock ahead by *seconds*."""
        self._call(lambda: self._emulator.clock.skip(seconds))

    def fault(self, on: Literal["mint", "socket"], kind: str, **more: Any) -> None:  # noqa: ANN401 - of `Fault`
        """Queue a fault for the next token request or socket; see `Fault`.

        Raises:
            FaultError: if the fault is invalid.
        """
        fault = read_fault({"on": on, "kind": kind, **more})
        self._call(lambda: self._emulator.faults.add(fault))

    def wait_for_session(self, condition: Callable[[dict[str, Any]], bool], timeout: float = TIMEOUT) -> dict[str, Any]:
        """Wait for a connection that fulfils *condition*, and return the newest one.

        Raises:
            TimeoutError: if there is none after *timeout* seconds.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for session in self.sessions()[::-1]:
                if condition(session):
                    return session
            time.sleep(POLL_INTERVAL)
        raise TimeoutError(f"No session fulfilled the condition within {timeout} s.")

    def _call(self, function: Callable[[], T]) -> T:
        """Run *function* in the emulator's event loop and return its result."""

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(TIMEOUT)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()  # after a failure too, so that __enter__ does not hang

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._emulator = Emulator(*self._arguments)
        async with self._emulator:
            self._ready.set()
            await self._stopping.wait()
