"""An emulator beside one's own program: in a thread, for tests and scripts that are not async."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from tokensvc.emulator.faults import fault as faults
from tokensvc.emulator.server.emulator import SERVICE, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from tokensvc.emulator.options import Options
    from tokensvc.emulator.responses.steps import Mind
    from tokensvc.emulator.server.emulator import Place

Answer = TypeVar("Answer")
PATIENCE = 10.0
GLANCE = 0.01


class BackgroundEmulator:
    """A Live API in a thread of its own, used as a context.

    Args:
        options: See `Options`.
        mind: Who thinks of the answers; the honest mind by default.
        place: Where to listen; any free port of 127.0.0.1 by default.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(
        self, options: Options | None = None, mind: Mind | None = None, place: Place | None = None
    ) -> None:
        self._parts = (options, mind, place)
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-emulator", daemon=True)
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
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
        """Its address, as a Google SDK takes it for a ``base_url``."""
        return self._emulator.url

    @property
    def certificate_file(self) -> Path:
        """With TLS: the certificate that a client has to trust."""
        return self._emulator.certificate_file

    def websocket_url(self, version: str = "v1beta", *, constrained: bool = True) -> str:
        """The Live WebSocket's address; constrained is the method for tokens."""
        method = "BidiGenerateContent" + ("Constrained" if constrained else "")
        root = self.url.replace("http", "ws", 1)
        return f"{root}/ws/{SERVICE}.{version}.GenerativeService.{method}"

    def sessions(self) -> list[dict[str, Any]]:
        """Every connection, oldest first, as `GET /emulator/sessions` shows it."""
        return self._ask(lambda: [each.shown() for each in self._emulator.register.everything()])

    def tokens(self) -> list[dict[str, Any]]:
        """Every token, oldest first, as `GET /emulator/tokens` shows it."""
        return self._ask(lambda: [each.shown() for each in self._emulator.tokens.tokens.values()])

    def mint(self, body: bytes = b"", version: str = "v1beta") -> str:
        """A token's name, as `POST /{version}/auth_tokens` would give it."""
        return self._ask(lambda: self._emulator.tokens.mint(body, version))

    def heard(self, number: int = -1) -> bytes:
        """All PCM that came in on a connection (16 kHz), the last one by default."""
        return self._ask(lambda: self._emulator.register.everything()[number].heard.pcm(None))

    def said(self, number: int = -1) -> bytes:
        """All PCM that went out on it (24 kHz)."""
        return self._ask(lambda: self._emulator.register.everything()[number].said.pcm(None))

    def skip(self, seconds: float) -> None:
        """Let *seconds* pass at once, for every deadline there is."""
        self._ask(lambda: self._emulator.clock.skip(seconds))

    def fault(self, on: Literal["mint", "socket"], kind: str, **more: Any) -> None:  # noqa: ANN401 - of `Fault`
        """Let something go wrong with the next mint or socket; see `Fault`.

        Raises:
            FaultError: when there is no such fault.
        """
        fault = faults.read({"on": on, "kind": kind, **more})
        self._ask(lambda: self._emulator.faults.add(fault))

    def session_when(
        self, condition: Callable[[dict[str, Any]], bool], patience: float = PATIENCE
    ) -> dict[str, Any]:
        """The newest connection of which *condition* holds, as soon as there is one.

        Raises:
            TimeoutError: when none is there after *patience* seconds.
        """
        end = time.monotonic() + patience
        while time.monotonic() < end:
            for session in self.sessions()[::-1]:
                if condition(session):
                    return session
            time.sleep(GLANCE)
        raise TimeoutError(f"No session fulfilled the condition within {patience} s.")

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        async def ask() -> Answer:
            return question()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(PATIENCE)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._listening.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._emulator = Emulator(*self._parts)
        async with self._emulator:
            self._listening.set()
            await self._stopping.wait()
