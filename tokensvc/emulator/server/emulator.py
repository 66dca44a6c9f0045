"""The emulator as a server: puts the parts together and listens on one port."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import web

from tokensvc.emulator.clock import Clock
from tokensvc.emulator.conversation.handles import HandleBook
from tokensvc.emulator.faults.fault import Fault, FaultBook
from tokensvc.emulator.options import Options
from tokensvc.emulator.provisioning.credentials import Keys
from tokensvc.emulator.provisioning.endpoint import LARGEST_BODY, AuthTokensEndpoint
from tokensvc.emulator.provisioning.tokens import TokenBook
from tokensvc.emulator.responses.echo import HonestMind
from tokensvc.emulator.server import certificate
from tokensvc.emulator.server.admission import Gate
from tokensvc.emulator.server.connections import Register
from tokensvc.emulator.server.inspection import Inspection
from tokensvc.emulator.server.live import LiveEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from tokensvc.emulator.responses.steps import Mind

VERSIONS = "v1alpha|v1beta|v1"
SERVICE = "google.ai.generativelanguage"
# Both SDKs double the first slash, depending on how their address was written.
LIVE_PATH = (
    rf"/{{slash:/?}}ws/{SERVICE}.{{version:{VERSIONS}}}.GenerativeService."
    "BidiGenerateContent{constrained:(Constrained)?}"
)
# Open sockets get this long to close when the emulator stops.
GRACE = 1.0


@dataclass(frozen=True)
class Place:
    """Where an emulator listens.

    Attributes:
        port: 0 picks a free one.
        tls: Serve TLS, by a certificate made on the spot.
        certificate_file: Where to write it; default: in the emulator's own folder.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    certificate_file: Path | None = None


class Emulator:
    """A Live API on one port, used as an asynchronous context.

    Args:
        options: See `Options`.
        mind: Who thinks of the answers; the honest mind by default.
        place: Where to listen; any free port of 127.0.0.1 by default.
        faults: What goes wrong, in order; `faults` takes more at any time.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(
        self,
        options: Options | None = None,
        mind: Mind | None = None,
        place: Place | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.options = options or Options()
        self.clock = Clock()
        self._place = place or Place()
        self._folder = tempfile.TemporaryDirectory(prefix="live-emulator-")
        folder = Path(self._folder.name)
        self.certificate_file = self._place.certificate_file or folder / "certificate.pem"
        self._key_file = folder / "key.pem"
        self.faults = FaultBook(deque(faults))
        keys = Keys(self.options.api_keys)
        self.tokens = TokenBook(self.clock, self.options)
        self.register = Register(self.clock, self.options, folder)
        self._auth_tokens = AuthTokensEndpoint(keys, self.tokens, self.faults)
        handles = HandleBook(self.clock, self.options)
        gate = Gate(self.options, keys, self.tokens, handles)
        self._live = LiveEndpoint(
            self.clock,
            self.options,
            gate,
            handles,
            self.register,
            mind or HonestMind(),
            self.faults,
        )
        self._inspection = Inspection(
            self.clock, self.register, self.tokens, self._auth_tokens, self.faults
        )
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=GRACE)

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._runner.addresses[0][1]
        return port

    @property
    def url(self) -> str:
        """Its address, as a Google SDK takes it for a ``base_url``."""
        scheme = "https" if self._place.tls else "http"
        return f"{scheme}://{self._place.host}:{self.port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        tls = certificate.make(self.certificate_file, self._key_file) if self._place.tls else None
        site = web.TCPSite(self._runner, self._place.host, self._place.port, ssl_context=tls)
        try:
            await site.start()
        except OSError:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        self._folder.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.on_shutdown.append(self._live.shut)
        app.router.add_post(f"/{{version:{VERSIONS}}}/auth_tokens", self._auth_tokens.create)
        app.router.add_get("/{version}/auth_tokens{rest:.*}", self._auth_tokens.nothing)
        app.router.add_delete("/{version}/auth_tokens/{rest:.*}", self._auth_tokens.nothing)
        app.router.add_get(LIVE_PATH, self._live.serve)
        app.router.add_routes(self._inspection.routes())
        return app
